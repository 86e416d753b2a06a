/* From a data field through the transforms to the modality's type.
 *
 * Forward, each step's shape is computed as far as the files' sizes allow; then
 * the result is met with the declared type, and what that says about unknown
 * sizes is carried back, step by step. What stays unknown the program checks at
 * start.
 */
#include <string.h>
#include "sema/transforms.h"

typedef struct {
    Sema       *s;
    Modality   *modality;
    Flow        declared;
    const Expr *type;
    const Expr *field;
    VECTOR(Step) steps;
    int         blame[5];          /* for each size of the current shape: the step it comes from, -1: the field */
    int         content_blame;
} Pipeline;

/* a -> b -> c leans to the left: its members in order. */
static bool unfold(Sema *s, const Expr *expr, void *into) {
    VECTOR(const Expr *) *members = into;
    for (; expr && expr->kind == EXPR_BINARY && expr->op == OP_ARROW; expr = expr->base)
        VECTOR_PUSH(s->arena, members, (const Expr *)expr->right);
    VECTOR_PUSH(s->arena, members, expr);
    bool fine = true;
    for (int i = 0; i < members->count; i++)
        fine &= !expr_wrong(members->items[i]);
    for (int i = 0, j = members->count - 1; i < j; i++, j--) {
        const Expr *swap = members->items[i];
        members->items[i] = members->items[j];
        members->items[j] = swap;
    }
    return fine;
}

/* The name that a step's settings go by: scale, scale2 … */
static const char *step_path(Pipeline *p, const char *name) {
    int same = 1;
    for (int i = 0; i < p->steps.count; i++)
        same += strcmp(p->steps.items[i].transform->name, name) == 0;
    const char *number = same > 1 ? arena_printf(p->s->arena, "%d", same) : "";
    return arena_printf(p->s->arena, "modality.%s.input.%s%s", p->modality->name, name, number);
}

static void report_unknown(Sema *s, const Expr *call) {
    Name name = expr_callee(call);
    if (!name) {
        diag(s->diagnostics, E0219, call->span, "behind `->` stands a transform, as in `scale(1 / 255)`");
        return;
    }
    const char *const *names;
    int count = transform_names(&names);
    Diagnostic *d = diag(s->diagnostics, E0219, expr_callee_span(call), "there is no transform `%s`", name);
    const char *near = nearest_name(name, names, count);
    bool layer = find_encoder(s, name) != NULL;
    for (int i = 0; i < LAYER_KINDS; i++) {
        static const char *const layers[] = {
#define LAYER(kind, text) text,
#include "sema/layers.def"
#undef LAYER
        };
        layer |= strcmp(layers[i], name) == 0;
    }
    if (near)
        diag_help(s->diagnostics, d, "did you mean `%s`?", near);
    else if (layer)
        diag_help(s->diagnostics, d, "`%s` is a layer: it belongs to the modality's `encoder`", name);
    else
        diag_help(s->diagnostics, d, "the transforms are %s", list_text(s, names, count, " and "));
}

/* An npz array becomes what the modality declares as soon as a step needs to know. */
static void settle_array(Pipeline *p, Step *step) {
    const Transform *transform = step->transform;
    if (step->in.content != CONTENT_ARRAY || (transform->fits & (1 << CONTENT_ARRAY)) || p->declared.content == CONTENT_ERROR)
        return;
    step->in = p->declared;
    for (int i = 0; i < step->in.shape.rank; i++)
        step->in.shape.size[i] = -1;
}

/* A size that a step leaves as it was keeps its origin; sizes are compared from the last. */
static void assign_blame(Pipeline *p, const Step *step, int number) {
    enum { SIZES = sizeof p->blame / sizeof *p->blame };
    int before[SIZES];
    memcpy(before, p->blame, sizeof before);
    if (transform_keeps(step->transform))
        return;
    for (int i = 0; i < step->out.shape.rank; i++) {
        int same = i + step->in.shape.rank - step->out.shape.rank;
        bool kept = same >= 0 && same < step->in.shape.rank && step->in.shape.size[same] == step->out.shape.size[i];
        p->blame[i] = kept ? before[same] : number;
    }
    if (step->in.content != step->out.content)
        p->content_blame = number;
}

/* Behind a wrong step the others are checked for what doesn't depend on shapes. */
static bool read_steps(Pipeline *p, const Expr *const *members, int count, Flow flow) {
    bool fine = true;
    for (int i = 0; i < count; i++) {
        Name name = expr_callee(members[i]);
        const Transform *transform = name ? transform_find(name) : NULL;
        if (!transform) {
            report_unknown(p->s, members[i]);
            flow = (Flow){.content = CONTENT_ERROR};
            fine = false;
            continue;
        }
        Step step = {.s = p->s, .transform = transform, .call = members[i], .path = step_path(p, name),
                     .source = p->modality->source, .in = flow};
        settle_array(p, &step);
        if (!transform_apply(&step)) {
            step.out = (Flow){.content = CONTENT_ERROR};
            fine = false;
        }
        assign_blame(p, &step, p->steps.count);
        flow = step.out;
        VECTOR_PUSH(p->s->arena, &p->steps, step);
    }
    return fine;
}

/* ---- Meeting the declared type ---- */

static bool content_agrees(Flow made, Flow declared) {
    if (made.content == declared.content || made.content == CONTENT_ARRAY || made.content == CONTENT_ERROR)
        return true;
    if (made.shape.rank == 0)
        return false;
    return declared.content == CONTENT_TENSOR || (declared.content == CONTENT_VECTOR && made.content == CONTENT_SOUND);
}

/* The call as it stands, on one line and not too long. */
static const char *call_text(Sema *s, Span span) {
    enum { LONGEST = 60 };
    char text[LONGEST + 1];
    int length = 0;
    for (uint32_t i = span.begin; span.source && i < span.end; i++) {
        char c = span.source->text[i];
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (blank && (length == 0 || text[length - 1] == ' '))
            continue;
        if (length == LONGEST)
            return arena_printf(s->arena, "%.*s…", LONGEST - 1, text);
        text[length++] = blank ? ' ' : c;
    }
    return arena_copy(s->arena, text, (size_t)length);
}

/* The hop nearest to the one given that yields the declared number of frames; 0: none. */
static int64_t fitting_hop(const Step *step, int64_t frames) {
    int64_t hop = step->fixed[1], samples = step->in.shape.size[0];
    bool center = step->out.shape.size[2] == samples / hop + 1;
    int64_t span = center ? samples : samples - step->fixed[0];
    for (int64_t away = 1; away < hop + 4096; away++) {
        if (hop - away >= 1 && span / (hop - away) + 1 == frames)
            return hop - away;
        if (span / (hop + away) + 1 == frames)
            return hop + away;
    }
    return 0;
}

static void help_hop(Pipeline *p, Diagnostic *d, const Step *step, Flow made) {
    if (strcmp(step->transform->name, "stft") != 0 || step->in.shape.size[0] < 0 || p->declared.content != CONTENT_SPECTROGRAM)
        return;
    if (made.shape.size[1] != p->declared.shape.size[1]) {            /* of what mel and rows have made of it */
        diag_help(p->s->diagnostics, d, "a window of %lld gives %lld frequencies; %lld need a window of %lld", (long long)step->fixed[0],
                  (long long)step->out.shape.size[1], (long long)p->declared.shape.size[1], (long long)(p->declared.shape.size[1] - 1) * 2);
        return;
    }
    int64_t hop = step->out.shape.size[2] != p->declared.shape.size[2] ? fitting_hop(step, p->declared.shape.size[2]) : 0;
    if (hop)
        diag_help(p->s->diagnostics, d, "`hop = %lld` makes %lld frames of %lld samples", (long long)hop,
                  (long long)p->declared.shape.size[2], (long long)step->in.shape.size[0]);
}

static void report_difference(Pipeline *p, Flow made, int number) {
    Sema *s = p->s;
    const char *yields = flow_text(s->arena, made), *declared = flow_text(s->arena, p->declared);
    Diagnostic *d;
    if (number < 0) {
        d = diag(s->diagnostics, E0222, p->field->span, "the pipeline yields %s, and %s is declared; `%s` is so in the data", yields, declared,
                 call_text(s, p->field->span));
    } else {
        const Step *step = &p->steps.items[number];
        d = diag(s->diagnostics, E0222, step->call->span, "the pipeline yields %s, and %s is declared; `%s` makes %s of %s", yields, declared,
                 call_text(s, step->call->span), flow_text(s->arena, step->out), flow_text(s->arena, step->in));
        help_hop(p, d, step, made);
    }
    diag_note(s->diagnostics, d, p->type->span, "declared here");
    if (made.shape.rank == 0)
        diag_help(s->diagnostics, d, "go on with %s", transforms_for(s, made.content));
}

static bool meet(Pipeline *p, Flow made) {
    if (p->declared.content == CONTENT_ERROR || made.content == CONTENT_ERROR)
        return false;
    if (!content_agrees(made, p->declared)) {
        report_difference(p, made, p->content_blame);
        return false;
    }
    if (made.shape.rank == 0)
        return true;
    if (made.shape.rank != p->declared.shape.rank) {
        report_difference(p, made, p->content_blame);
        return false;
    }
    for (int i = made.shape.rank - 1; i >= 0; i--) {
        if (made.shape.size[i] >= 0 && made.shape.size[i] != p->declared.shape.size[i]) {
            report_difference(p, made, p->blame[i]);
            return false;
        }
    }
    return true;
}

/* ---- Carrying back ---- */

static void keep(Step *step) {
    if (step->in.shape.rank == 0 && step->in.content == CONTENT_ARRAY)
        step->in.shape = step->out.shape;
    for (int i = 0; i < step->in.shape.rank && i < step->out.shape.rank; i++)
        if (step->in.shape.size[i] < 0)
            step->in.shape.size[i] = step->out.shape.size[i];
}

static void solve(Pipeline *p, Shape result) {
    for (int i = p->steps.count - 1; i >= 0; i--) {
        Step *step = &p->steps.items[i];
        step->out.shape = result;
        if (step->transform->solve)
            step->transform->solve(step);
        else
            keep(step);
        result = step->in.shape;
    }
}

bool pipeline_read(Sema *s, const Expr *input, Flow declared, const Expr *type, Modality *modality) {
    VECTOR(const Expr *) members = {0};
    Pipeline p = {.s = s, .modality = modality, .declared = declared, .type = type, .blame = {-1, -1, -1, -1, -1}, .content_blame = -1};
    Field field;
    if (!unfold(s, input, &members))
        return false;
    p.field = members.items[0];
    if (expr_callee(p.field) && p.field->kind == EXPR_CALL) {
        Diagnostic *d = diag(s->diagnostics, E0218, p.field->span, "a pipeline begins with a field of the data");
        diag_help(s->diagnostics, d, "for example `input = digits.image -> scale(1 / 255)`");
        return false;
    }
    if (!data_field(s, p.field, &modality->source, &field))
        field = (Field){.content = CONTENT_ERROR};
    modality->field = field.name;
    modality->field_span = p.field->span;
    if (field.content == CONTENT_LABEL) {
        diag(s->diagnostics, E0225, p.field->span, "`%s` is the label: it can't be an input", field.name);
        field.content = CONTENT_ERROR;
    }
    Flow start = {field.content, field.shape, 0};
    if (!read_steps(&p, members.items + 1, members.count - 1, start))
        return false;
    Flow made = p.steps.count ? p.steps.items[p.steps.count - 1].out : start;
    if (!meet(&p, made))
        return false;
    solve(&p, declared.shape);
    for (int i = 0; i < p.steps.count; i++) {
        const Step *step = &p.steps.items[i];
        VECTOR_PUSH(s->arena, &modality->steps, ((TransformStep){step->transform->name, step->path, place_column(s, step->call->span),
                                                                 step->in.shape, step->out.shape}));
    }
    return true;
}
