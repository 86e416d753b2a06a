/* Experiments built by hand, and files to read: what the tests of data share.
 *
 * A Program has one source and as many modalities as are added; its settings
 * are a table like the compiler's. It owns a temporary folder. Any failure of
 * the helpers themselves fails the test.
 */
#ifndef TESTS_DATA_PROGRAM_H
#define TESTS_DATA_PROGRAM_H

#include "mml/data.h"

typedef struct Program Program;

Program    *program_new(void);
/* Closes the data, removes the folder. */
void        program_free(Program *p);
const char *program_folder(const Program *p);
const MmlSettings *program_settings(const Program *p);

/* Settings by path. A setting that is there already is changed. */
void set_int(Program *p, const char *path, i64 value);
void set_real(Program *p, const char *path, double value);
void set_text(Program *p, const char *path, const char *value);
void set_word(Program *p, const char *path, const char *word);
void set_reals(Program *p, const char *path, int count, const double *values);
void set_ints(Program *p, const char *path, int count, const i64 *values);
/* A param of type path, as `param root : path`. */
void set_param(Program *p, const char *name, const char *value);

/* data NAME = idx(folder); its path is data.NAME. */
void add_idx(Program *p, const char *name);
/* data NAME = csv(files in the folder …); fields are named by the stems given. NULL ends them. */
void add_csv(Program *p, const char *name, ...);
/* data NAME = npz(FILE in the folder) and the arrays that the program reads of it; NULL ends them. */
void add_npz(Program *p, const char *name, const char *file, ...);
/* data NAME of any kind, with root = VALUE when it isn't NULL. */
void add_source(Program *p, const char *name, const char *kind, const char *root);

/* modality NAME : TYPE of the shape given, reading a field of the last source. */
void add_modality(Program *p, const char *name, const char *type, const char *field, int rank, ...);
/* A step of the last modality; its settings lie under "modality.NAME.input.STEP". out may hold -1. */
void add_step(Program *p, const char *step, int rank, ...);
/* The last step's setting. */
void step_int(Program *p, const char *name, i64 value);
void step_real(Program *p, const char *name, double value);
void step_text(Program *p, const char *name, const char *value);
void step_word(Program *p, const char *name, const char *word);
void step_reals(Program *p, const char *name, int count, const double *values);
void step_ints(Program *p, const char *name, int count, const i64 *values);

/* Steps of sounds and of clips with their settings. rate: in Hz; frames a second (0: all, no step). */
void add_mono(Program *p, double rate);
void add_fit(Program *p, double seconds, const char *by, int samples);
void add_sample(Program *p, double rate);

/* target of `classes` classes; field of the first source. */
void set_target(Program *p, i64 classes, const char *field);

/* Opens with seed 1 and one thread; program_free closes it. */
MmlData *open_data(Program *p);
MmlData *open_data_with(Program *p, u64 seed, int threads);
/* The message of an open that must fail with MML_EDATA. */
const char *open_fails(Program *p);

/* One sample through modality m. */
void sample_of(MmlData *data, MmlSplit split, i64 row, i64 epoch, int augment, const Program *p, i64 m, float *out,
               i64 *label, i64 *number);
/* The values of modality 0 of a train sample, not augmented. */
void train_sample(Program *p, MmlData *data, i64 row, float *out);

/* ---- Files ---- */

void write_bytes(Program *p, const char *name, const void *bytes, size_t count);
void write_text(Program *p, const char *name, const char *text);
/* The same, compressed; without the last `cut` bytes of the compressed file. */
void write_gzip(Program *p, const char *name, const void *bytes, size_t count, size_t cut);
/* IDX in memory; returns its size. Pixels count up from `start`, wrapping at 256. */
size_t idx_images(u8 *out, u32 count, u32 height, u32 width, int start);
size_t idx_labels(u8 *out, u32 count, u32 classes);          /* 0, 1, … classes - 1, 0, … */
/* The four files of a small set: train and test images of height x width. */
void write_idx_set(Program *p, u32 train, u32 test, u32 height, u32 width, u32 classes);

/* text contains part, else the test fails with both. */
void expect_in(const char *text, const char *part);
void expect_near(double value, double expected, double tolerance, const char *what);

#endif
