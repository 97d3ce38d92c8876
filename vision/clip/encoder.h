#ifndef VOUCH_CLIP_H
#define VOUCH_CLIP_H

typedef struct vouch_clip vouch_clip;

// vouch_clip_open returns an encoder, or NULL with a reason in text.
vouch_clip *vouch_clip_open(int width, int height, double rate, char *text, int room);

// vouch_clip_add takes a frame of packed blue-green-red bytes. All calls return 0,
// or libav's error.
int vouch_clip_add(vouch_clip *c, const unsigned char *bgr);

// vouch_clip_end ends the file and hands out its bytes, which vouch_clip_free
// frees with the encoder.
int vouch_clip_end(vouch_clip *c, unsigned char **bytes, int *size);

void vouch_clip_free(vouch_clip *c);

// vouch_clip_reason writes what an error means.
void vouch_clip_reason(int error, char *text, int room);

#endif
