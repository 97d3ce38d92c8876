// Package recognise says which product a picture shows. It is trained on a
// folder of pictures for each product and keeps what it learned in one model
// file. It needs no network and no OpenCV; where a network is at hand, what
// its inner layers see is one more thing to go by.
//
// # Invariants
//
//   - The same pictures and settings give the same model, to the byte.
//   - A product that was not trained is answered by "unknown": of products
//     left out in training, at most one picture in twenty was not.
//   - A model file that was altered, cut short or made for other features is
//     refused before it is used.
package recognise
