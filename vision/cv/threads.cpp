//go:build opencv

#include "threads.h"
#include <opencv2/core.hpp>

void vouch_threads(int n) { cv::setNumThreads(n); }
