#ifndef VOUCH_CV_THREADS_H
#define VOUCH_CV_THREADS_H
#ifdef __cplusplus
extern "C" {
#endif
// Lets OpenCV use at most n threads for one operation.
void vouch_threads(int n);
#ifdef __cplusplus
}
#endif
#endif
