//go:build opencv

#include "bridge.h"

#include <dlfcn.h>
#include <sys/prctl.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/videoio.hpp>

static int quiet_error(int, const char *, const char *, const char *, int, void *) { return 0; }

// What decoders complained of, by the source they work for: FFmpeg says nowhere
// else that a frame was put together from damaged data, and the context it
// hands over leads to no reader. A thread's name does: a new thread has that of
// the thread that made it, and so has every decoder the name of its source.
static std::mutex complaints_mutex;
static std::map<long, int> complaints;

// The size of a source's pictures as its decoders say, and whether it changed.
struct picture_size {
  int width, height;
  bool changed;
};
static std::map<long, picture_size> sizes;

// The words in which the decoders of H.264, HEVC and Motion JPEG say a size, and
// how many numbers come before it.
static bool size_said(const char *format, va_list args, int *width, int *height) {
  static const struct {
    const char *words;
    int before;
  } said[] = {{"Reinit context to %dx%d", 0}, {"Parsed SPS: id %d; coded wxh: %dx%d", 1}, {"sof0: picture: %dx%d", 0}};
  for (const auto &s : said) {
    if (strncmp(format, s.words, strlen(s.words)) != 0) {
      continue;
    }
    va_list mine;
    va_copy(mine, args);
    for (int i = 0; i < s.before; i++) {
      va_arg(mine, int);
    }
    *width = va_arg(mine, int);
    *height = va_arg(mine, int);
    va_end(mine);
    return true;
  }
  return false;
}

static void quiet_av(void *, int level, const char *format, va_list args) {
  const int av_log_error = 16;
  int width = 0, height = 0;
  const bool sized = size_said(format, args, &width, &height);
  if (level > av_log_error && !sized) {
    return;
  }
  char name[17] = {0};
  long source = 0;
  if (prctl(PR_GET_NAME, name) != 0 || sscanf(name, "vouch-av-%ld", &source) != 1) {
    return;
  }
  std::lock_guard<std::mutex> lock(complaints_mutex);
  const size_t most = 4096;
  if (!sized) {
    if (complaints.size() < most) {
      complaints[source]++;
    }
    return;
  }
  auto it = sizes.find(source);
  if (it != sizes.end()) {
    it->second.changed = it->second.changed || it->second.width != width || it->second.height != height;
  } else if (sizes.size() < most) {
    sizes[source] = {width, height, false};
  }
}

int vouch_resized(long source) {
  std::lock_guard<std::mutex> lock(complaints_mutex);
  auto it = sizes.find(source);
  return it != sizes.end() && it->second.changed ? 1 : 0;
}

void vouch_forget(long source) {
  std::lock_guard<std::mutex> lock(complaints_mutex);
  complaints.erase(source);
  sizes.erase(source);
}

int vouch_complaints(long source) {
  std::lock_guard<std::mutex> lock(complaints_mutex);
  auto it = complaints.find(source);
  if (it == complaints.end()) {
    return 0;
  }
  const int found = it->second;
  complaints.erase(it);
  return found;
}

static thread_local char own_name[17];

void vouch_work_for(long source) {
  char name[17];
  snprintf(name, 16, "vouch-av-%ld", source);
  prctl(PR_GET_NAME, own_name);
  prctl(PR_SET_NAME, name);
}

void vouch_work_over(void) { prctl(PR_SET_NAME, own_name); }

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

static std::string lines(const std::vector<std::string> &names) {
  std::string all;
  for (const auto &name : names) {
    all += name + "\n";
  }
  return all;
}

// guarded says what do does or what it throws.
template <typename F> static int guarded(char *out, int n, F &&do_it) {
  try {
    std::snprintf(out, n, "%s", do_it().c_str());
    return 0;
  } catch (const cv::Exception &e) {
    std::snprintf(out, n, "%s", e.err.c_str());
  } catch (const std::exception &e) {
    std::snprintf(out, n, "%s", e.what());
  } catch (...) {
    std::snprintf(out, n, "%s", "unknown fault");
  }
  return 1;
}

// run asks a network for layers of an empty picture.
static void run(cv::dnn::Net net, int side, const std::vector<std::string> &layers) {
  cv::Mat black = cv::Mat::zeros(side, side, CV_8UC3);
  net.setInput(cv::dnn::blobFromImage(black, 1 / 255.0, cv::Size(side, side)));
  std::vector<cv::Mat> out;
  net.forward(out, layers);
}

int vouch_try_net(const char *model, const char *config, int side, char *err, int n) {
  return guarded(err, n, [&] {
    cv::dnn::Net net = cv::dnn::readNet(model, config);
    run(net, side, net.getUnconnectedOutLayersNames());
    return std::string();
  });
}

int vouch_layer_names(const char *model, const char *config, char *out, int n) {
  return guarded(out, n, [&] { return lines(cv::dnn::readNet(model, config).getLayerNames()); });
}

int vouch_output_names(const char *model, const char *config, char *out, int n) {
  return guarded(out, n, [&] { return lines(cv::dnn::readNet(model, config).getUnconnectedOutLayersNames()); });
}

int vouch_try_layers(const char *model, const char *config, int side, const char *layers, char *err, int n) {
  return guarded(err, n, [&] {
    std::vector<std::string> names;
    std::istringstream in(layers);
    for (std::string name; std::getline(in, name);) {
      names.push_back(name);
    }
    run(cv::dnn::readNet(model, config), side, names);
    return std::string();
  });
}

int vouch_open(void *capture, const char *address, int silence_ms) {
  try {
    const std::vector<int> params = {cv::CAP_PROP_OPEN_TIMEOUT_MSEC, silence_ms, cv::CAP_PROP_READ_TIMEOUT_MSEC, silence_ms};
    return static_cast<cv::VideoCapture *>(capture)->open(address, cv::CAP_FFMPEG, params) ? 0 : 1;
  } catch (...) {
    return 1;
  }
}

int vouch_grab(void *capture) {
  try {
    return static_cast<cv::VideoCapture *>(capture)->grab() ? 0 : 1;
  } catch (...) {
    return 1;
  }
}

int vouch_retrieve(void *capture, void *mat) {
  try {
    return static_cast<cv::VideoCapture *>(capture)->retrieve(*static_cast<cv::Mat *>(mat)) ? 0 : 1;
  } catch (...) {
    return 1;
  }
}
