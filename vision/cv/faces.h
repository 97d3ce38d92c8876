#ifndef VOUCH_CV_FACES_H
#define VOUCH_CV_FACES_H
#ifdef __cplusplus
extern "C" {
#endif
// Loads a face network and runs it once on an empty picture of w x h; 0 on
// success, else 1 and a message in err. sizes gets the number of values of each
// output, at most n of them, and -1 behind the last.
int vouch_try_face(const char *model, const char *config, int w, int h, long *sizes, int n, char *err, int room);
#ifdef __cplusplus
}
#endif
#endif
