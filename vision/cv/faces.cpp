//go:build opencv

#include "faces.h"

#include <cstdio>
#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>

int vouch_try_face(const char *model, const char *config, int w, int h, long *sizes, int n, char *err, int room) {
  try {
    cv::dnn::Net net = cv::dnn::readNet(model, config);
    cv::Mat black = cv::Mat::zeros(h, w, CV_8UC3);
    net.setInput(cv::dnn::blobFromImage(black, 1 / 128.0, cv::Size(w, h)));
    std::vector<cv::Mat> out;
    net.forward(out, net.getUnconnectedOutLayersNames());
    for (int i = 0; i < n; i++) {
      sizes[i] = i < (int)out.size() ? (long)out[i].total() : -1;
    }
    return 0;
  } catch (const cv::Exception &e) {
    std::snprintf(err, room, "%s", e.err.c_str());
  } catch (const std::exception &e) {
    std::snprintf(err, room, "%s", e.what());
  } catch (...) {
    std::snprintf(err, room, "%s", "unknown fault");
  }
  return 1;
}
