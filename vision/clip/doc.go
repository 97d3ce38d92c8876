// Package clip encodes short clips of evidence as H.264 in MP4, the smallest form
// that browsers play and seek.
//
// It calls the libavcodec that OpenCV itself is built on. OpenCV's own writer
// takes no settings: it encodes as slowly as x264 does by default, half a second
// of a processor for the clip of one pick, and its acknowledgement waits for
// that. It also writes to files only. Here a clip is made in memory by one
// thread, so that the same frames give the same bytes on any number of
// processors.
//
// Built without the tag opencv it encodes nothing and says so.
package clip
