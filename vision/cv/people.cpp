//go:build opencv

#include "people.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

void *vouch_people_new(void) {
  cv::HOGDescriptor *d = new cv::HOGDescriptor();
  d->setSVMDetector(cv::HOGDescriptor::getDefaultPeopleDetector());
  return d;
}

void vouch_people_free(void *people) { delete static_cast<cv::HOGDescriptor *>(people); }

int vouch_people_find(void *people, const unsigned char *bgr, int w, int h, int *rects, double *weights, int n) {
  try {
    const cv::Mat bare(h, w, CV_8UC3, const_cast<unsigned char *>(bgr));
    // A window has room around the person that whoever fills the picture lacks.
    const int rim = h / 4;
    cv::Mat picture;
    cv::copyMakeBorder(bare, picture, rim, rim, rim / 2, rim / 2, cv::BORDER_REPLICATE);
    std::vector<cv::Rect> found;
    std::vector<double> sure;
    static_cast<cv::HOGDescriptor *>(people)->detectMultiScale(picture, found, sure, 0, cv::Size(8, 8), cv::Size(), 1.08, 2);
    int k = 0;
    for (; k < n && k < (int)found.size(); k++) {
      rects[4 * k] = found[k].x - rim / 2;
      rects[4 * k + 1] = found[k].y - rim;
      rects[4 * k + 2] = found[k].width;
      rects[4 * k + 3] = found[k].height;
      weights[k] = sure[k];
    }
    return k;
  } catch (...) {
    return -1;
  }
}
