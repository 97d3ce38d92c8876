#ifndef VOUCH_CV_BRIDGE_H
#define VOUCH_CV_BRIDGE_H
#ifdef __cplusplus
extern "C" {
#endif
// Silences OpenCV's and FFmpeg's own printing for this process.
void vouch_quiet(void);
// Loads a network and runs it once on an empty picture; 0 on success, else 1
// and a message in err. OpenCV throws on bad files, and an exception that
// crosses into Go ends the process, so files are tried here first.
int vouch_try_net(const char *model, const char *config, int side, char *err, int n);
// Makes the calling thread, and those it makes, work for a source, until
// vouch_work_over; sources are numbered below a million.
void vouch_work_for(long source);
void vouch_work_over(void);
// Returns how often a decoder that works for the source complained since it
// was last asked.
int vouch_complaints(long source);
// Reports whether the pictures of a source have another size than its first
// ones, by what its decoders say. OpenCV 4.6 goes on to convert them as if they
// had the old one, and reads beyond their end.
int vouch_resized(long source);
// Forgets what decoders said of a source.
void vouch_forget(long source);
// Decodes the next picture, and converts it; 0 on success, else 1.
int vouch_grab(void *capture);
int vouch_retrieve(void *capture, void *mat);
// Writes the names of a network's layers, one a line; 0 on success, else 1 and
// a message. gocv's own list holds pointers into names that are freed already.
int vouch_layer_names(const char *model, const char *config, char *out, int n);
// The same of the layers that nothing follows: what the network answers.
int vouch_output_names(const char *model, const char *config, char *out, int n);
// Loads a network and asks it for layers, named one a line, once; 0 on success,
// else 1 and a message. Some layers work in the room of others and cannot be
// asked for: OpenCV throws.
int vouch_try_layers(const char *model, const char *config, int side, const char *layers, char *err, int n);
// Opens an address by FFmpeg in a cv::VideoCapture; 0 on success. Opening and
// each read end after the given milliseconds of silence, which gocv cannot ask
// for.
int vouch_open(void *capture, const char *address, int silence_ms);
#ifdef __cplusplus
}
#endif
#endif
