/* Private to encoders, heads and the fusion: a network while it is built. */
#ifndef SEMA_NETWORK_H
#define SEMA_NETWORK_H

#include "sema/values.h"

#define MAX_SIZE   2147483647.0       /* of one extent: what every kernel can count           */
#define MAX_NUMBERS (INT64_C(1) << 34) /* of one tensor: 64 GiB of floats                      */
#define MAX_PARTS  100000             /* of one network: far above any that trains            */
#define MAX_JOINED 16                 /* results that one `concat` joins: Layer.attr has room  */

/* What an encoder works on: the result of a layer, or -1 - i for input i. */
typedef struct { int layer; Shape shape; } Signal;

/* Definitions that are being expanded, the innermost first. */
typedef struct Expansion { const struct Expansion *outer; const Decl *encoder; Span call; } Expansion;

typedef struct {
    Sema        *s;
    Network     *network;
    const char  *prefix;              /* "encoder.audio"                                       */
    int          group;
    bool         dry;                 /* only names and forms are checked; no layer is made    */
    int          parts, depth;        /* built so far; nested now                              */
    int64_t      frames;              /* inside of `each(f)`: of a sample; else 1              */
    bool         inside_each;
    const Expansion *expansion;
    int          first_parameter, first_statistic;     /* of this network in the program's     */
    VECTOR(Span) parameter_spans;     /* beside them, from first_parameter on                  */
} NetworkBuilder;

NetworkBuilder network_builder(Sema *s, Network *network, const char *prefix, int group);

/* An error at span, with a note that says in which encoder, and where that is called. */
Diagnostic *network_error(NetworkBuilder *b, DiagCode code, Span span, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* One layer of the table: call's arguments are bound to its rows. */
typedef struct {
    const Argument *arguments;
    const Scope    *scope;
    const char     *path;             /* below the network: "0.layer1.0.conv1", "": the network itself */
    Span            span;
} LayerCall;

typedef struct {
    const char        *name;
    const ArgumentRow *rows;
    int                row_count;
    bool (*build)(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out);
} LayerRow;

const LayerRow *layer_find(const char *name);
/* What building would say about the call apart from shapes. */
bool            layer_check(NetworkBuilder *b, const LayerRow *row, const LayerCall *call);
int             layer_names(const char **names, int capacity);

/* The layers that have no call of their own. */
bool layer_add_sum(NetworkBuilder *b, const char *path, Span span, Signal left, Signal right, Signal *out);
bool layer_add_concat(NetworkBuilder *b, const char *path, Span span, int count, const Signal *parts, Signal *out);
/* gamma * in + beta; [gamma; beta] = linear(condition), whose parameters path names. */
bool layer_add_film(NetworkBuilder *b, const char *path, Span span, Signal condition, Signal in, Signal *out);
/* sigmoid(gate) * in. */
bool layer_add_gate(NetworkBuilder *b, const char *path, Span span, Signal gate, Signal in, Signal *out);
/* The mean over the frames of each(f): in.shape is one frame's result. */
bool layer_add_mean(NetworkBuilder *b, const char *path, Span span, int64_t frames, Signal in, Signal *out);
/* linear(out): heads without an expression, and fusions. */
bool layer_add_linear(NetworkBuilder *b, const char *path, Span span, int64_t width, Signal in, Signal *out);

const char *path_join(Arena *arena, const char *path, const char *piece);
const char *path_number(Arena *arena, const char *path, int number);

/* An expression outside any definition (encoder = …, head = …), or part of one. */
bool network_expression(NetworkBuilder *b, const Expr *expr, Signal in, const char *path, Signal *out);
/* Members from first on of a chain, named by their position (or, when alone is set,
 * the single one by nothing). */
bool network_chain(NetworkBuilder *b, const Expr *const *members, int first, int count, bool alone, Signal in,
                   const char *path, Signal *out);
/* The members of a -> b -> c. */
int  chain_members(Arena *arena, const Expr *expr, const Expr *const **members);

/* Closes the network: output, and names that two parameters share (E0341). */
bool network_finish(NetworkBuilder *b, Signal result);

#endif
