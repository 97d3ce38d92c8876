//go:build opencv

#include "bridge.h"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <map>
#include <mutex>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>

static int quiet_error(int, const char *, const char *, const char *, int, void *) { return 0; }

// What decoders complained of, by the thread they complained in: FFmpeg says
// nowhere else that a frame was put together from damaged data, and the context
// it hands over leads to no reader.
static std::mutex complaints_mutex;
static std::map<long, int> complaints;

static void quiet_av(void *, int level, const char *, va_list) {
  const int av_log_error = 16;
  if (level > av_log_error) {
    return;
  }
  const long thread = syscall(SYS_gettid);
  std::lock_guard<std::mutex> lock(complaints_mutex);
  if (complaints.size() < 4096) {
    complaints[thread]++;
  }
}

int vouch_complaints(const long *threads, int n) {
  std::lock_guard<std::mutex> lock(complaints_mutex);
  int found = 0;
  for (int i = 0; i < n; i++) {
    auto it = complaints.find(threads[i]);
    if (it != complaints.end()) {
      found += it->second;
      complaints.erase(it);
    }
  }
  return found;
}

long vouch_thread(void) { return syscall(SYS_gettid); }

void vouch_quiet(void) {
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  cv::redirectError(quiet_error);
  typedef void (*set_callback)(void (*)(void *, int, const char *, va_list));
  // FFmpeg comes with OpenCV's videoio; it is asked for by name so that its
  // headers need not be installed.
  set_callback set = reinterpret_cast<set_callback>(dlsym(RTLD_DEFAULT, "av_log_set_callback"));
  if (set != nullptr) {
    set(quiet_av);
  }
}

int vouch_try_net(const char *model, const char *config, int side, char *err, int n) {
  try {
    cv::dnn::Net net = cv::dnn::readNet(model, config);
    cv::Mat black = cv::Mat::zeros(side, side, CV_8UC3);
    net.setInput(cv::dnn::blobFromImage(black, 1 / 255.0, cv::Size(side, side)));
    std::vector<cv::Mat> out;
    net.forward(out, net.getUnconnectedOutLayersNames());
    return 0;
  } catch (const cv::Exception &e) {
    std::snprintf(err, n, "%s", e.err.c_str());
  } catch (const std::exception &e) {
    std::snprintf(err, n, "%s", e.what());
  } catch (...) {
    std::snprintf(err, n, "%s", "unknown fault");
  }
  return 1;
}
