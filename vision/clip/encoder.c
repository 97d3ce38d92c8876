//go:build opencv

#include "encoder.h"
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>

struct vouch_clip {
  AVFormatContext *file;
  AVCodecContext *codec;
  AVStream *stream;
  struct SwsContext *colours;
  AVFrame *frame;
  AVPacket *packet;
  unsigned char *bytes;
  int frames;
};

void vouch_clip_reason(int error, char *text, int room) {
  if (av_strerror(error, text, room) < 0) {
    snprintf(text, room, "error %d", error);
  }
}

// configure sets the encoder up: quality as x264 has it by default, at a preset
// that needs a fifth of the time for clips as small; one thread, and nothing in
// the file that depends on the machine.
static int configure(vouch_clip *c, const AVCodec *x264, int width, int height, double rate) {
  c->codec = avcodec_alloc_context3(x264);
  if (!c->codec) {
    return AVERROR(ENOMEM);
  }
  c->codec->width = width;
  c->codec->height = height;
  c->codec->pix_fmt = AV_PIX_FMT_YUV420P;
  c->codec->framerate = av_d2q(rate, 100000);
  c->codec->time_base = av_inv_q(c->codec->framerate);
  c->codec->thread_count = 1;
  c->codec->color_range = AVCOL_RANGE_MPEG;
  c->codec->colorspace = AVCOL_SPC_SMPTE170M;
  if (c->file->oformat->flags & AVFMT_GLOBALHEADER) {
    c->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }
  av_opt_set(c->codec->priv_data, "preset", "veryfast", 0);
  av_opt_set(c->codec->priv_data, "crf", "23", 0);
  return avcodec_open2(c->codec, x264, NULL);
}

// begin opens everything but the encoder.
static int begin(vouch_clip *c) {
  c->stream = avformat_new_stream(c->file, NULL);
  c->frame = av_frame_alloc();
  c->packet = av_packet_alloc();
  if (!c->stream || !c->frame || !c->packet) {
    return AVERROR(ENOMEM);
  }
  c->stream->time_base = c->codec->time_base;
  c->stream->avg_frame_rate = c->codec->framerate;
  c->file->flags |= AVFMT_FLAG_BITEXACT;
  int error = avcodec_parameters_from_context(c->stream->codecpar, c->codec);
  if (error < 0) {
    return error;
  }
  c->frame->format = c->codec->pix_fmt;
  c->frame->width = c->codec->width;
  c->frame->height = c->codec->height;
  if ((error = av_frame_get_buffer(c->frame, 0)) < 0) {
    return error;
  }
  c->colours = sws_getContext(c->codec->width, c->codec->height, AV_PIX_FMT_BGR24, c->codec->width, c->codec->height,
                              AV_PIX_FMT_YUV420P, SWS_BICUBIC, NULL, NULL, NULL);
  if (!c->colours) {
    return AVERROR(EINVAL);
  }
  if ((error = avio_open_dyn_buf(&c->file->pb)) < 0) {
    return error;
  }
  return avformat_write_header(c->file, NULL);
}

vouch_clip *vouch_clip_open(int width, int height, double rate, char *text, int room) {
  const AVCodec *x264 = avcodec_find_encoder_by_name("libx264");
  if (!x264) {
    snprintf(text, room, "libavcodec has no libx264");
    return NULL;
  }
  vouch_clip *c = av_mallocz(sizeof *c);
  if (!c) {
    snprintf(text, room, "no memory");
    return NULL;
  }
  int error = avformat_alloc_output_context2(&c->file, NULL, "mp4", NULL);
  if (error >= 0) {
    error = configure(c, x264, width, height, rate);
  }
  if (error >= 0) {
    error = begin(c);
  }
  if (error < 0) {
    vouch_clip_reason(error, text, room);
    vouch_clip_free(c);
    return NULL;
  }
  return c;
}

// drain writes what the encoder has ready.
static int drain(vouch_clip *c) {
  for (;;) {
    int error = avcodec_receive_packet(c->codec, c->packet);
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) {
      return 0;
    }
    if (error < 0) {
      return error;
    }
    c->packet->duration = 1;
    av_packet_rescale_ts(c->packet, c->codec->time_base, c->stream->time_base);
    c->packet->stream_index = c->stream->index;
    if ((error = av_interleaved_write_frame(c->file, c->packet)) < 0) {
      return error;
    }
  }
}

int vouch_clip_add(vouch_clip *c, const unsigned char *bgr) {
  int error = av_frame_make_writable(c->frame);
  if (error < 0) {
    return error;
  }
  const uint8_t *from[4] = {bgr};
  const int step[4] = {3 * c->codec->width};
  sws_scale(c->colours, from, step, 0, c->codec->height, c->frame->data, c->frame->linesize);
  c->frame->pts = c->frames++;
  if ((error = avcodec_send_frame(c->codec, c->frame)) < 0) {
    return error;
  }
  return drain(c);
}

int vouch_clip_end(vouch_clip *c, unsigned char **bytes, int *size) {
  int error = avcodec_send_frame(c->codec, NULL);
  if (error >= 0) {
    error = drain(c);
  }
  if (error >= 0) {
    error = av_write_trailer(c->file);
  }
  if (error < 0) {
    return error;
  }
  *size = avio_close_dyn_buf(c->file->pb, &c->bytes);
  c->file->pb = NULL;
  *bytes = c->bytes;
  return 0;
}

void vouch_clip_free(vouch_clip *c) {
  if (c->file && c->file->pb) {
    avio_close_dyn_buf(c->file->pb, &c->bytes);
    c->file->pb = NULL;
  }
  av_freep(&c->bytes);
  sws_freeContext(c->colours);
  av_packet_free(&c->packet);
  av_frame_free(&c->frame);
  avcodec_free_context(&c->codec);
  avformat_free_context(c->file);
  av_free(c);
}
