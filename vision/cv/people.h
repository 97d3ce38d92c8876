#ifndef VOUCH_CV_PEOPLE_H
#define VOUCH_CV_PEOPLE_H
#ifdef __cplusplus
extern "C" {
#endif
// Makes OpenCV's people detector, a linear classifier of histograms of oriented
// gradients. gocv's gives rectangles without how sure they are.
void *vouch_people_new(void);
void vouch_people_free(void *people);
// Finds upright persons in a picture of packed bytes blue, green, red. rects gets
// x, y, width, height of at most n windows, weights how sure each is. Returns how
// many, or -1 if OpenCV threw.
int vouch_people_find(void *people, const unsigned char *bgr, int w, int h, int *rects, double *weights, int n);
#ifdef __cplusplus
}
#endif
#endif
