/* giemsa.h - finds and names the white blood cells of a blood-smear image.
 *
 * Research use only: not a medical device, not validated for diagnosis.
 *
 *     giemsa_engine   what is read and never written once open: networks, packed weights, a device. One per process and
 *                     device is enough; any number of threads may use it at once.
 *     giemsa_session  what one image at a time needs: compiled graphs, an arena, the last image's results. One thread at
 *                     a time; make one for each thread. It keeps what it needs of its engine alive.
 *
 *     giemsa_engine_options options;
 *     giemsa_engine* engine = NULL;
 *     giemsa_session* session = NULL;
 *     GIEMSA_INIT(options);
 *     options.segmenter.path = "deeplabv3plus_resnet50_wbc.safetensors";
 *     options.classifier.path = "alexnet_wbc.safetensors";
 *     if (giemsa_engine_open(&options, &engine) < 0) die(giemsa_last_message());
 *     if (giemsa_session_open(engine, NULL, &session) < 0) die(giemsa_last_message());
 *     giemsa_session_prepare(session, 1920, 1200);         // later frames of this size find everything compiled
 *     for (;;) {
 *       giemsa_image image;
 *       giemsa_cell cells[64];
 *       size_t found = 0;
 *       GIEMSA_INIT(image);
 *       image.pixels = frame; image.width = 1920; image.height = 1200; image.stride = 5760; image.format = GIEMSA_BGR8;
 *       if (giemsa_identify(session, &image, cells, 64, &found) < 0) report(giemsa_last_message());
 *     }
 *     giemsa_session_close(session);
 *     giemsa_engine_close(engine);
 *
 * ERRORS     A function returns a giemsa_status: 0 is success, above 0 success with a remark, below 0 failure. It never
 *            throws, exits, prints, installs a signal handler, or changes the locale, the calling thread's OpenMP settings or
 *            its current CUDA device. On failure outputs are as they were and the handle can be used again, unless the status
 *            is GIEMSA_E_DEVICE_LOST. giemsa_last_message() has the line that explains.
 * STRUCTS    Each that you fill begins with struct_size, set by GIEMSA_INIT. Zero means "the default". Members are only ever
 *            added at the end: a library refuses members that it does not know unless they are 0, and gives those that an
 *            older program lacks their defaults. Before version 1.0 a minor version may change this file.
 * OWNERSHIP  What you pass in stays yours and is read until the call returns, but for a model's memory with GIEMSA_BORROW.
 *            What a function gives as const char* or const T* belongs to the handle that it was asked of: a session's holds
 *            until its next giemsa_identify or close, an engine's until its close.
 * STRINGS    are UTF-8, paths too.
 * ENVIRONMENT is not read by the library itself, unless GIEMSA_FLAG_ENVIRONMENT asks for it (GIEMSA_DUMP, GIEMSA_SYNC).
 *            libgomp, which comes with oneDNN and starts no thread here, reads its own (OMP_*, GOMP_*) when it is loaded.
 * THREADS    An engine on the CPU has a pool of threads, or the host's (giemsa_executor). A session computes on the thread that
 *            calls it and on those of the pool that have nothing else to do; results do not depend on how many.
 * FORK       An engine cannot be used in a child process: open it there.
 */
#ifndef GIEMSA_GIEMSA_H
#define GIEMSA_GIEMSA_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef GIEMSA_STATIC /* defined by the build files that come with libgiemsa.a */
#define GIEMSA_API
#else
#define GIEMSA_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- version */

#define GIEMSA_VERSION_MAJOR 0
#define GIEMSA_VERSION_MINOR 1
#define GIEMSA_VERSION_PATCH 0
#define GIEMSA_VERSION_NUMBER (GIEMSA_VERSION_MAJOR * 1000000 + GIEMSA_VERSION_MINOR * 1000 + GIEMSA_VERSION_PATCH)

GIEMSA_API uint32_t giemsa_version_number(void); /* of the library that runs; compare with the macro */
GIEMSA_API const char* giemsa_version(void);     /* "0.1.0 (oneDNN 2.6.3)" */

/* All defaults, in every struct that you fill. A macro, because a function of the library would not know the size that the
 * program was compiled with. */
#define GIEMSA_INIT(object) \
  ((void)memset(&(object), 0, sizeof(object)), (void)((object).struct_size = (uint32_t)sizeof(object)))

/* ---------------------------------------------------------------- errors */

typedef enum giemsa_status {
  GIEMSA_OK = 0,
  GIEMSA_MORE_CELLS = 1,    /* more than the array holds: the first are there, and how many there are is told */
  GIEMSA_E_ARGUMENT = -1,   /* a null pointer, an option out of range, an unknown struct_size */
  GIEMSA_E_IMAGE = -2,      /* this image cannot be used: its size, too many components */
  GIEMSA_E_MODEL = -3,      /* a model cannot be used, or not in this role */
  GIEMSA_E_DEVICE = -4,     /* the device cannot be used: no driver, no kernels for it, a precision that it lacks */
  GIEMSA_E_DEVICE_LOST = -5, /* it failed while it computed: close everything and open it in a new process */
  GIEMSA_E_MEMORY = -6,     /* of the host; give some back and call again */
  GIEMSA_E_CANCELLED = -7,  /* giemsa_session_cancel() */
  GIEMSA_E_BUSY = -8,       /* another thread is in this session: noticed where it is cheap, not promised */
  GIEMSA_E_SELFTEST = -9,   /* giemsa_selftest() found that something is computed wrongly: do not use it */
  GIEMSA_E_INTERNAL = -100, /* a defect of ours: please report */
  GIEMSA_STATUS_FORCE_32 = 0x7fffffff
} giemsa_status;

GIEMSA_API const char* giemsa_status_name(giemsa_status status); /* "GIEMSA_E_MODEL"; never NULL */

/* One line about the last failure on the calling thread: what, which file or layer, expected and actual. Never NULL, at most
 * 1023 bytes, kept in the thread: nothing is allocated to tell of an error. Valid until the thread's next failure. */
GIEMSA_API const char* giemsa_last_message(void);

typedef enum giemsa_level { GIEMSA_INFO = 1, GIEMSA_WARNING = 2 } giemsa_level;

/* Called on the thread that caused it, during the call that caused it; must not call giemsa. `line` has no newline. */
typedef void (*giemsa_log_fn)(void* user, giemsa_level level, const char* line);

/* ---------------------------------------------------------------- devices */

typedef enum giemsa_precision { /* bits, so that a device can say which it has */
  GIEMSA_PRECISION_AUTO = 0,    /* fp32 on the CPU, fp16 on a GPU */
  GIEMSA_FP32 = 1,
  GIEMSA_FP16 = 2, /* GPU */
  GIEMSA_BF16 = 4, /* CPU */
  GIEMSA_INT8 = 8  /* CPU; the models have scales for it */
} giemsa_precision;

typedef enum giemsa_device_kind { GIEMSA_CPU = 1, GIEMSA_CUDA = 2 } giemsa_device_kind;

typedef struct giemsa_device_info { /* the library fills it, up to struct_size */
  uint32_t struct_size;
  giemsa_device_kind kind;
  uint32_t precisions;   /* of giemsa_precision; 0: not known */
  uint32_t reserved;
  uint64_t memory_bytes; /* of the machine, or of the GPU; 0: not known */
  char selector[16];     /* what giemsa_engine_options.device takes: "cpu", "cuda:0" */
  char name[128];        /* "AMD EPYC 9575F 64-Core Processor"; empty: not known */
  char unusable[512];    /* why it cannot be used, in one line; empty where it can */
} giemsa_device_info;

/* Device 0 is the CPU, then come the GPUs that the driver shows, usable or not. Where it shows none, one called "cuda" says
 * why in `unusable`. Describing a GPU creates a context on it, which takes time and memory of the device. */
GIEMSA_API uint32_t giemsa_device_count(void);
GIEMSA_API giemsa_status giemsa_device_describe(uint32_t i, giemsa_device_info* info);

/* ---------------------------------------------------------------- what the host lends */

/* Threads of the host's own, for what an engine computes on the CPU. parallel_for() calls task(context, i) once for each i <
 * count, on any threads, in any order, also at the same time, and returns when all of the calls have. It must not fail. A call
 * takes work until none is left: once one has returned, the host may leave out those that it has not begun, so that a thread
 * which is busy elsewhere holds nothing up. Several sessions may call parallel_for() at the same time. `user` outlives engine
 * and sessions. */
typedef struct giemsa_executor {
  uint32_t struct_size;
  uint32_t workers; /* the largest `count`: as many calls share a layer; 1 to 1024 */
  void* user;
  void (*parallel_for)(void* user, uint32_t count, void (*task)(void* context, uint32_t i), void* context);
} giemsa_executor;

/* Host memory for what is large and lives long: activations on the CPU, and weights packed for it. allocate() gives `bytes`, a
 * multiple of `alignment`, which is a power of two and at most 2 MiB, or NULL (GIEMSA_E_MEMORY). Both functions are called by any
 * thread, also at the same time; all memory is given back when the last of engine and sessions is closed. `user` outlives
 * them. Not covered: results, a model's file, small blocks that oneDNN takes and gives back while a layer runs, code that it
 * generates, thread stacks, whatever lies in a CUDA context. */
typedef struct giemsa_allocator {
  uint32_t struct_size;
  uint32_t reserved;
  void* user;
  void* (*allocate)(void* user, size_t bytes, size_t alignment);
  void (*release)(void* user, void* memory, size_t bytes);
} giemsa_allocator;

/* ---------------------------------------------------------------- engine */

enum { GIEMSA_BORROW = 1 }; /* a model's memory outlives engine and sessions, and is not copied */

/* A .safetensors file that Giemsa made of a checkpoint, by path or in memory. Both NULL: no such network. */
typedef struct giemsa_model {
  const char* path;
  const void* data;
  size_t size;
  uint32_t flags; /* GIEMSA_BORROW */
  uint32_t reserved;
} giemsa_model;

enum {
  GIEMSA_FLAG_ENVIRONMENT = 1, /* GIEMSA_DUMP and GIEMSA_SYNC count */
  GIEMSA_FLAG_READ = 2         /* read model files into memory. Without it they are mapped: shared between processes, but a
                                  file that someone shortens meanwhile kills the process (SIGBUS); replace files by rename */
};

typedef struct giemsa_engine_options {
  uint32_t struct_size;
  uint32_t flags;
  giemsa_model segmenter;  /* without it: giemsa_classify() only */
  giemsa_model classifier; /* without it: cells have no class */
  const char* device;      /* "auto" (NULL), "cpu", "cuda", "cuda:N" */
  giemsa_precision precision;
  uint32_t threads;        /* of the CPU: the caller's and those of the engine's pool, which its sessions share; 0: one for each
                              core that the process may use */
  const char* tuning_path; /* for GPUs: a file of plans measured on it; NULL: the built-in table */
  giemsa_log_fn log;       /* NULL: nothing is said */
  void* log_user;
  const char* profile_path; /* a laboratory's, by giemsa adapt: the classifier as it was fitted to that laboratory's own cells;
                               NULL: as it is */
  const giemsa_executor* executor; /* copied; with it `threads` is 0; NULL: threads of the engine's own */
  const giemsa_allocator* allocator; /* copied; NULL: the system's memory */
} giemsa_engine_options;

typedef struct giemsa_engine giemsa_engine;

/* Reads the models and checks everything that can be wrong with them: role, checksum, every tensor's name, type and shape, the
 * scales that int8 needs. What is left to sessions is what depends on a frame's size. */
GIEMSA_API giemsa_status giemsa_engine_open(const giemsa_engine_options* options, giemsa_engine** engine);
GIEMSA_API void giemsa_engine_close(giemsa_engine* engine); /* NULL is fine; sessions keep what they need */

GIEMSA_API uint32_t giemsa_engine_class_count(const giemsa_engine* engine);               /* 0 without a classifier */
GIEMSA_API const char* giemsa_engine_class_name(const giemsa_engine* engine, uint32_t i); /* NULL past the last */
GIEMSA_API const char* giemsa_engine_device(const giemsa_engine* engine); /* "cpu (oneDNN 2.6.3, avx512_core, 2 threads)" */
GIEMSA_API giemsa_precision giemsa_engine_precision(const giemsa_engine* engine);
/* JSON for an audit trail: version, device, precision, and of each model its metadata and the SHA-256 of its bytes. */
GIEMSA_API const char* giemsa_engine_provenance(const giemsa_engine* engine);

/* ---------------------------------------------------------------- session */

typedef enum giemsa_crop { GIEMSA_CROP_TIGHT = 0, GIEMSA_CROP_MATLAB = 1 } giemsa_crop;

typedef enum giemsa_split { /* how cells that touch are told apart */
  GIEMSA_SPLIT_NONE = 0,     /* not at all: a connected component is a cell */
  GIEMSA_SPLIT_DISTANCE = 1, /* along the necks of their component, by its distance transform */
  GIEMSA_SPLIT_CENTRE = 2    /* by the centres that the segmenter tells; GIEMSA_E_MODEL where it has no centre head */
} giemsa_split;

typedef struct giemsa_session_options {
  uint32_t struct_size;
  giemsa_crop crop;
  int32_t segment_width; /* size at which the segmenter sees an image; both 0: its own; height 0: width is the long side */
  int32_t segment_height;
  int64_t min_area;   /* pixels; 0: 200; -1: no limit */
  float threshold;    /* probability above which a pixel is a cell's; 0: 0.5 */
  uint32_t max_sizes; /* frame sizes whose graphs are kept, the one unused for longest goes; 0: 8 */
  uint32_t max_cells; /* more are GIEMSA_E_IMAGE; 0: as many as 16 bits can number */
  uint32_t mask_at_network_resolution; /* 1: label there, boxes scaled back to the frame: faster, coarser */
  float min_probability; /* cells whose class is less probable are GIEMSA_CELL_UNSURE; 0: none */
  giemsa_split split;
} giemsa_session_options;

typedef struct giemsa_session giemsa_session;

GIEMSA_API giemsa_status giemsa_session_open(giemsa_engine* engine, const giemsa_session_options* options /* or NULL */,
                                             giemsa_session** session);
GIEMSA_API void giemsa_session_close(giemsa_session* session); /* NULL is fine */

/* Compiles for frames of this size and runs an empty one, so that the first giemsa_identify takes as long as any. */
GIEMSA_API giemsa_status giemsa_session_prepare(giemsa_session* session, uint32_t width, uint32_t height);

/* ---------------------------------------------------------------- images */

typedef enum giemsa_format {
  GIEMSA_RGB8 = 1,
  GIEMSA_BGR8 = 2,
  GIEMSA_RGBX8 = 3, /* the fourth byte is not looked at */
  GIEMSA_BGRX8 = 4,
  GIEMSA_GREY8 = 5,
  GIEMSA_RGB16 = 6, /* native byte order, the full range of 16 bits */
  GIEMSA_GREY16 = 7
} giemsa_format;

typedef struct giemsa_image {
  uint32_t struct_size;
  giemsa_format format;
  const void* pixels; /* the top left pixel */
  uint32_t width, height;
  ptrdiff_t stride; /* bytes from a row to the one below; 0: rows without padding; negative: stored bottom up */
  giemsa_device_kind memory; /* 0 or GIEMSA_CPU: the host's. GIEMSA_CUDA: that of the engine's GPU, GIEMSA_RGB8 with a positive
                                stride, for giemsa_identify of an engine with both networks */
  uint32_t reserved;
  void* cuda_stream; /* with GIEMSA_CUDA, a cudaStream_t: the pixels are ready when what is enqueued there now has been done */
} giemsa_image;

/* ---------------------------------------------------------------- results */

/* In pixels of the image, origin top left. */
typedef struct giemsa_cell {
  uint32_t id;         /* 1..N: its value in the label image */
  int32_t class_index; /* -1 without a classifier */
  float probability;   /* of the class; 0 without a classifier */
  uint32_t flags;      /* GIEMSA_CELL_ */
  int32_t x, y, width, height;
  int64_t area;
  double centroid_x, centroid_y;
  uint64_t reserved;
} giemsa_cell;

enum {
  GIEMSA_CELL_AT_EDGE = 1, /* its box touches the image's edge: part of it may be missing */
  GIEMSA_CELL_UNSURE = 2,  /* a white cell whose class is less probable than min_probability: leave it out of a count */
  GIEMSA_CELL_OTHER = 4    /* no white cell, for classifiers with a class "other": leave it out of a count */
};

typedef struct giemsa_times { /* milliseconds of the last image */
  uint32_t struct_size;
  uint32_t reserved;
  double convert; /* to 8-bit RGB without padding; 0 where the image is that already */
  double segment, postprocess, classify;
  double total; /* of the whole call */
} giemsa_times;

/* Finds and names the cells of one image: the first `capacity` in raster order of their first pixels into `cells`, how many
 * there are into `found`. GIEMSA_MORE_CELLS where they do not fit. `cells` may be NULL with capacity 0. */
GIEMSA_API giemsa_status giemsa_identify(giemsa_session* session, const giemsa_image* image, giemsa_cell* cells,
                                         size_t capacity, size_t* found);

/* Names what is in `count` boxes {x, y, width, height} within the image: class_count values for each into `probabilities`, which
 * has room for `capacity` floats; GIEMSA_E_ARGUMENT where they do not fit. Does not touch the results of giemsa_identify. */
GIEMSA_API giemsa_status giemsa_classify(giemsa_session* session, const giemsa_image* image, const int32_t (*boxes)[4],
                                         size_t count, float* probabilities, size_t capacity);

/* Of the last image that was identified, until the next. Without one: no cells, GIEMSA_E_ARGUMENT. */
GIEMSA_API const giemsa_cell* giemsa_session_cells(const giemsa_session* session, size_t* count);
GIEMSA_API const float* giemsa_session_probabilities(const giemsa_session* session, size_t cell); /* class_count, or NULL */
/* The label image, 0 where no cell is; `stride` in bytes, 0: rows without padding. */
GIEMSA_API giemsa_status giemsa_session_copy_labels(const giemsa_session* session, uint16_t* labels, ptrdiff_t stride);
/* Outline of a cell's largest piece: corners {x, y} between pixels, closed (the first is repeated at the end).
 * GIEMSA_MORE_CELLS where `capacity` corners do not suffice; `count` is told in any case. */
GIEMSA_API giemsa_status giemsa_session_copy_outline(const giemsa_session* session, size_t cell, int32_t (*corners)[2],
                                                     size_t capacity, size_t* count);
GIEMSA_API giemsa_status giemsa_session_times(const giemsa_session* session, giemsa_times* times);

/* From any thread, the only function of a session that may: the image under way ends with GIEMSA_E_CANCELLED at its next
 * layer (on a GPU: when the frame is done). Does nothing where none is under way. */
GIEMSA_API void giemsa_session_cancel(giemsa_session* session);

/* ---------------------------------------------------------------- memory */

typedef struct giemsa_memory { /* bytes; the library fills it, up to struct_size */
  uint32_t struct_size;
  uint32_t sessions;           /* of an engine: those that are open; of a session: 1 */
  uint64_t host_models;        /* an engine's model files: mapped, and so shared with other processes, or copied */
  uint64_t host_weights;       /* an engine's weights as its kernels read them, shared by its sessions */
  uint64_t host_activations;   /* sessions': feature maps of all frame sizes that are compiled, page-locked copies */
  uint64_t host_results;       /* sessions': label image, cells, converted pixels */
  uint64_t device_weights;     /* the same on a GPU */
  uint64_t device_activations;
  uint64_t compiled_sizes;     /* sessions': frame sizes whose graphs are kept, see giemsa_session_options.max_sizes */
} giemsa_memory;

/* What an engine holds together with its open sessions, as of the last call of each that computed; and what a session holds
 * alone. Not counted, because others take it: code that oneDNN generates, thread stacks, what a driver keeps for a context.
 * A frame size that goes (max_sizes) gives back its activations, and the weights packed for it alone; so does a session that
 * is closed. The last form in which each layer's weights were packed stays with the engine, for the next session. The
 * engine may be asked from any thread, a session by its own. */
GIEMSA_API giemsa_status giemsa_engine_memory(const giemsa_engine* engine, giemsa_memory* memory);
GIEMSA_API giemsa_status giemsa_session_memory(const giemsa_session* session, giemsa_memory* memory);

/* ---------------------------------------------------------------- self-test */

enum {
  GIEMSA_CHECK_MODELS = 1,       /* the models' bytes in memory are still those that were opened */
  GIEMSA_CHECK_KNOWN_ANSWER = 2, /* small networks within the library find in a picture within it what they have to, on the
                                    engine's device and in its precision: in fp32 the same label image everywhere */
  GIEMSA_CHECK_REPEAT = 4,       /* the engine's models give for that picture numbers that make sense, and the same twice */
  GIEMSA_CHECK_DIGEST = 8        /* these are the bits that were seen before; only where a digest is given */
};

typedef struct giemsa_selftest_result { /* the library fills it, up to struct_size */
  uint32_t struct_size;
  uint32_t done;            /* GIEMSA_CHECK_: which checks were made */
  uint32_t failed;          /* GIEMSA_CHECK_: which of them failed */
  uint32_t reserved;
  double deviation;         /* largest difference of a probability from the known answer */
  double allowed_deviation; /* from which on the check fails; depends on the precision */
  double milliseconds;      /* of the whole call */
  char digest[72];          /* SHA-256 of what the engine's models gave, hexadecimal */
} giemsa_selftest_result;

/* For the moment when an instrument is switched on. `digest` is NULL, or what an earlier call gave: with the same models,
 * device, precision and version of the library it is the same on every run, with any number of threads, so that a digest
 * kept from an instrument's validation shows every later change. GIEMSA_E_SELFTEST where a check fails, with the first one
 * in giemsa_last_message(); `result`, which may be NULL, is then filled too. Takes about a second and the memory of a
 * session, both given back; sessions of the engine may compute meanwhile. */
GIEMSA_API giemsa_status giemsa_selftest(giemsa_engine* engine, const char* digest, giemsa_selftest_result* result);

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* GIEMSA_GIEMSA_H */
