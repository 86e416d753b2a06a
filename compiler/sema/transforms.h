/* The transforms of a pipeline: a row each, with its arguments, what it fits,
 * and its shape rule.
 *
 * Sizes that only the files know are -1. A rule maps the shape in to the shape
 * out as far as it is known; backwards, `solve` fills in what follows from a
 * result that is known. A row without rules keeps the shape, both ways.
 */
#ifndef SEMA_TRANSFORMS_H
#define SEMA_TRANSFORMS_H

#include "sema/declarations.h"

enum { TRANSFORM_ARGUMENTS = 10 };

typedef struct Transform Transform;

/* One step while its pipeline is read. */
typedef struct {
    Sema            *s;
    const Transform *transform;
    const Expr      *call;
    const char      *path;                        /* modality.color.input.colorize            */
    int              source;                      /* of the pipeline's field                  */
    Argument         arguments[TRANSFORM_ARGUMENTS];
    int64_t          fixed[TRANSFORM_ARGUMENTS];  /* FIXED int arguments that were given; else 0 */
    Flow             in, out;
} Step;

struct Transform {
    const char        *name;
    const char        *form;                      /* "stft(window, hop, …)", for lists        */
    int                fits;                      /* bit for each Content                     */
    const ArgumentRow *rows;
    int                row_count;
    bool (*shape)(Step *step);                    /* false after a report                     */
    void (*solve)(Step *step);
    const Expr *(*arrange)(Sema *s, const Expr *call);   /* a call with the rows' arguments, from the one written */
    bool (*settings)(Step *step);                 /* in place of settings_add_arguments       */
};

const Transform *transform_find(const char *name);
int              transform_names(const char *const **names);
/* "`mono(rate)` and `fit(duration)`": what fits a content. */
const char      *transforms_for(Sema *s, Content content);
bool             transform_keeps(const Transform *transform);      /* the shape and the content */

/* Binds the arguments, applies the shape rule, adds the settings. step has s, transform,
 * call, path, source and in. False after a report. */
bool transform_apply(Step *step);

#endif
