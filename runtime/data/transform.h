/* Transforms: what a step of a pipeline does to one sample.
 *
 * A row of the table is a name in the language, what kind of step it is, how
 * it is prepared (settings read, run-time shape worked out) and how it turns
 * one sample into the next. A step sees shapes [..., height, width]: whatever
 * stands in front counts as planes, so that a clip's frames get the same crop.
 * Channels are the axis before height and width, or the only axis of a vector.
 */
#ifndef DATA_TRANSFORM_H
#define DATA_TRANSFORM_H

#include "mml/random.h"
#include "data/source.h"
#include "data/sounds.h"

/* Which sample, and how it is being looked at. */
typedef struct {
    const DataSource *source;        /* of the modality                             */
    i64               row;           /* its number there                            */
    MmlSplit          split;
    i64               epoch;
    int               augment;       /* 1: random steps act                         */
    i64               height, width; /* the first step, of a field of several sizes: this sample's; else 0 */
    const u8         *pixels;        /* the first step, where it takes them (DATA_STEP_PIXELS): its input as bytes [height, width, 3]; else NULL */
    const DataSound  *sound;         /* the first step, of a field of sounds: this sample's; else NULL */
    i64               length;        /* of a sound behind mono: this sample's values; 0: the step's in_size */
    u64               seed;
} DataDraw;

typedef struct DataStep DataStep;

/* What preparing a step may read. */
typedef struct {
    const MmlSettings *settings;
    const MmlModality *modality;
    const DataSource  *source;
    const DataField   *field;
    const DataStep    *before;       /* NULL for the first step                     */
    MmlArena          *arena;
    int                varies;       /* the step gets samples of several sizes, in is the largest */
} DataPrepare;

typedef struct {
    const char *name;
    int         flags;               /* DATA_STEP_*                                 */
    /* Sets step->out (equal to step->in beforehand), ->scratch and ->state. */
    Status    (*prepare)(const DataPrepare *context, DataStep *step);
    /* in and out don't overlap; scratch: step->scratch floats. */
    void      (*apply)(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch);
    /* Values that this sample comes out with, for a step that makes sounds of several lengths; else NULL. */
    i64       (*length)(const DataStep *step, const DataDraw *draw);
    /* In place of apply, of the first steps behind a clip: which of the `count` frames from[] stay; how many. Those
     * are read then, behind one another. `frames`, the last of these steps, may give more than it gets. */
    i64       (*pick)(const DataStep *step, const DataDraw *draw, const i32 *from, i64 count, i32 *to);
} DataTransform;

#define DATA_STEP_RANDOM 1           /* anew each epoch: not cached                 */
#define DATA_STEP_COSTLY 2           /* worth caching what comes of it              */
#define DATA_STEP_SIZES  4           /* makes one size of several                   */
#define DATA_STEP_DRAWS  16          /* draws once a sample, by the seed and the split */
#define DATA_STEP_PIXELS 32          /* takes pictures as bytes (draw->pixels) in place of in */
#define DATA_STEP_KEEPS  8           /* keeps shape, length and the meaning of the axes */

/* What normalize(train) learned, and its names in a checkpoint. */
typedef struct { float *mean, *deviation; i64 count; const char *mean_name, *deviation_name; } DataFitted;

struct DataStep {
    const DataTransform *transform;
    const MmlTransform  *program;
    i64          flags;              /* the transform's; prepare may add to them    */
    i64          number;             /* from 0 over all modalities: names its random streams */
    MmlShape     in, out;
    i64          in_size, out_size;
    i64          scratch;            /* floats                                      */
    void        *state;              /* the transform's own, in the arena           */
    DataFitted  *fitted;             /* not NULL: to be fitted on the train split   */
    double       rate;               /* of a sound, or of that a spectrogram is of: samples a second; else 0 */
    double       spacing;            /* Hz between the frequencies of a spectrogram that has all of them; else 0 */
    const char  *lengths;            /* of sounds that come out with several lengths, two of them; else NULL */
};

/* The row of that name, or NULL. */
const DataTransform *mml_data_transform(const char *name);

/* Product of the sizes. */
i64 mml_data_shape_size(const MmlShape *shape);
/* "[3, 28, 28]", "?" for sizes that are open; in arena. */
const char *mml_data_shape_text(const MmlShape *shape, MmlArena *arena);

/* ---- For preparing ---- */

/* Values that a step that takes any length has to work on. */
static inline i64 mml_data_values(const DataStep *step, const DataDraw *draw) { return draw->length ? draw->length : step->in_size; }

/* Fails with MML_EDATA "WHERE: NAME text". */
Status mml_data_step_fail(const DataStep *step, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An optional argument of a step, fallback where the program has none. */
double mml_data_real(const DataPrepare *context, const DataStep *step, const char *name, double fallback);
i64    mml_data_int(const DataPrepare *context, const DataStep *step, const char *name, i64 fallback);
int    mml_data_given(const DataPrepare *context, const DataStep *step, const char *name);
/* A list, or a single number as a list of one; *count 0 when it isn't there.
 * The values lie in the settings. */
const MmlValue *mml_data_list(const DataPrepare *context, const DataStep *step, const char *name, i64 *count);

/* How a shape splits: channels (see above), and values in each channel that lie
 * together; blocks of channels * inner repeat to the end. */
typedef struct { i64 channels, inner; } DataChannels;
DataChannels mml_data_channels(const MmlShape *shape);
/* planes * height * width == size; MML_EDATA for shapes without height and width. */
typedef struct { i64 planes, height, width; } DataPlanes;
Status mml_data_planes(const DataStep *step, DataPlanes *out);

/* The stream of a random step for a sample in an epoch, and of what is drawn
 * once a sample. */
MmlRandom mml_data_random_epoch(const DataStep *step, const DataDraw *draw);
MmlRandom mml_data_random_sample(const DataStep *step, const DataDraw *draw);

/* ---- The rows' functions, by file ---- */

#define DATA_TRANSFORM_FUNCTIONS(name)                                        \
    Status mml_data_##name##_prepare(const DataPrepare *context, DataStep *step); \
    void   mml_data_##name##_apply(const DataStep *step, const DataDraw *draw, const float *in, float *out, float *scratch);

/* numbers.c */
DATA_TRANSFORM_FUNCTIONS(scale)
DATA_TRANSFORM_FUNCTIONS(shift)
DATA_TRANSFORM_FUNCTIONS(normalize)
DATA_TRANSFORM_FUNCTIONS(standardize)
DATA_TRANSFORM_FUNCTIONS(log)
DATA_TRANSFORM_FUNCTIONS(clip)
/* shapes.c */
DATA_TRANSFORM_FUNCTIONS(flatten)
DATA_TRANSFORM_FUNCTIONS(rows)
DATA_TRANSFORM_FUNCTIONS(cols)
DATA_TRANSFORM_FUNCTIONS(select)
DATA_TRANSFORM_FUNCTIONS(crop)
DATA_TRANSFORM_FUNCTIONS(pad)
DATA_TRANSFORM_FUNCTIONS(flip)
/* images.c */
DATA_TRANSFORM_FUNCTIONS(resize)
DATA_TRANSFORM_FUNCTIONS(random_resized_crop)
DATA_TRANSFORM_FUNCTIONS(gray)
/* frames.c */
Status mml_data_sample_prepare(const DataPrepare *context, DataStep *step);
Status mml_data_frames_prepare(const DataPrepare *context, DataStep *step);
i64    mml_data_sample_pick(const DataStep *step, const DataDraw *draw, const i32 *from, i64 count, i32 *to);
i64    mml_data_frames_pick(const DataStep *step, const DataDraw *draw, const i32 *from, i64 count, i32 *to);
DATA_TRANSFORM_FUNCTIONS(stack)
/* colorize.c */
DATA_TRANSFORM_FUNCTIONS(colorize)
/* sound.c */
DATA_TRANSFORM_FUNCTIONS(mono)
i64 mml_data_mono_length(const DataStep *step, const DataDraw *draw);
DATA_TRANSFORM_FUNCTIONS(fit)
/* stft.c */
DATA_TRANSFORM_FUNCTIONS(stft)
/* mel.c */
DATA_TRANSFORM_FUNCTIONS(mel)

#endif
