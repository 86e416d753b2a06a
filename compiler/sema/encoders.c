#include <stdlib.h>
#include <string.h>
#include "sema/arguments.h"
#include "sema/network.h"

enum { MAX_DEPTH = 400 };          /* nested parts of a network; each takes a few frames of stack */

/* A `let` of an encoder's body that stands for a piece of network. It is built
 * where it is used, and sees the locals before it. */
typedef struct Local { const struct Local *next; Name name; Span span; const Expr *expr; } Local;

/* Where an expression stands: what its names mean. */
typedef struct {
    const Scope *scope;
    const Local *locals;
} Site;

/* What names of parameters start with. A local adds nothing to them: where a piece
 * would be named by its position, a local keeps what stood before. */
typedef struct { const char *piece, *local; } Path;

static bool build(NetworkBuilder *b, const Site *site, const Expr *expr, Signal in, Path path, Signal *out);

static Path same_path(const char *path) {
    return (Path){path, path};
}

static const Local *find_local(const Site *site, Name name) {
    for (const Local *local = site->locals; local; local = local->next)
        if (local->name == name)
            return local;
    return NULL;
}

/* ---- What is a piece of network, and what a value ---- */

static bool is_combinator(const char *name) {
    static const char *const names[] = {"repeat", "concat", "each", "sum", "film", "gated"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool names_piece(Sema *s, const Site *site, Name name) {
    if (find_local(site, name))
        return true;
    return !scope_find(site->scope, name)
        && (layer_find(name) || strcmp(name, "repeat") == 0 || strcmp(name, "concat") == 0 || find_encoder(s, name));
}

/* By its form: what stands in a `let` may be either. */
static bool is_piece(Sema *s, const Site *site, const Expr *expr) {
    for (;;) {
        switch (expr->kind) {
        case EXPR_LABEL: return true;
        case EXPR_NAME:  return names_piece(s, site, expr->name);
        case EXPR_CALL:
            if (expr->base->kind != EXPR_NAME)
                return false;
            /* tanh is a layer without arguments and a function of one; each(f) and each(a = 1) differ as much. */
            if ((is_name(expr->base, "tanh") || is_name(expr->base, "each")) && expr->arguments && !expr->arguments->name)
                return is_piece(s, site, expr->arguments->value);
            return names_piece(s, site, expr->base->name);
        case EXPR_IF:
            if (is_piece(s, site, expr->right))
                return true;
            expr = expr->other;
            break;
        case EXPR_BINARY:
            if (expr->op == OP_ARROW)
                return true;
            if (expr->op != OP_ADD)
                return false;
            if (is_piece(s, site, expr->right))
                return true;
            expr = expr->base;
            break;
        default: return false;
        }
    }
}

/* ---- Reports ---- */

static bool unknown_piece(NetworkBuilder *b, const Site *site, const Expr *callee) {
    Sema *s = b->s;
    if (is_name(callee, "mean")) {
        network_error(b, E0343, callee->span, "`mean` averages the frames of `each(f)`: it stands right behind it");
        return false;
    }
    if (scope_find(site->scope, callee->name)) {
        network_error(b, E0331, callee->span, "`%s` is a value, and a layer or an encoder is needed", callee->name);
        return false;
    }
    if (s->incomplete)
        return false;
    VECTOR(const char *) names = {0};
    const char *layers[32];
    int layer_count = layer_names(layers, 32);
    for (int i = 0; i < layer_count; i++)
        VECTOR_PUSH(s->arena, &names, layers[i]);
    for (int i = 0; i < s->encoders.count; i++)
        VECTOR_PUSH(s->arena, &names, s->encoders.items[i]->name);
    for (const Local *local = site->locals; local; local = local->next)
        VECTOR_PUSH(s->arena, &names, local->name);
    VECTOR_PUSH(s->arena, &names, "repeat");
    VECTOR_PUSH(s->arena, &names, "concat");
    Diagnostic *d = network_error(b, E0330, callee->span, "there is no layer or encoder named `%s`", callee->name);
    help_nearest(s, d, callee->name, names.items, names.count);
    static const char *const library[] = {"cnn4", "resnet18", "basic_block", "mlp"};
    for (size_t i = 0; i < sizeof library / sizeof *library; i++)
        if (strcmp(library[i], callee->name) == 0)
            diag_help(s->diagnostics, d, "it is in the library: `use encoders`");
    return false;
}

static bool not_a_piece(NetworkBuilder *b, const Expr *expr) {
    if (expr->kind == EXPR_ERROR)
        return false;
    Diagnostic *d = network_error(b, E0331, expr->span, "this is no encoder");
    if (expr->kind == EXPR_BINARY)
        diag_help(b->s->diagnostics, d, "encoders are chained with `->`, added with `+` and joined with `concat(…)`");
    return false;
}

/* ---- Layers and encoders by name ---- */

/* relu(conv(32, 3)): an encoder is written without its input. */
static bool takes_its_input(NetworkBuilder *b, const Site *site, const Expr *expr, Name name) {
    if (expr->kind != EXPR_CALL)
        return false;
    for (const Arg *argument = expr->arguments; argument; argument = argument->next) {
        if (argument->name || !is_piece(b->s, site, argument->value))
            continue;
        Diagnostic *d = network_error(b, E0331, argument->value->span, "an encoder is written without naming its input");
        diag_help(b->s->diagnostics, d, "`%s` goes behind it: `%s -> %s`", name, source_slice(b->s->arena, argument->value->span), name);
        return true;
    }
    return false;
}

static bool layer_piece(NetworkBuilder *b, const Site *site, const LayerRow *row, const Expr *expr, Signal in, const char *path, Signal *out) {
    Argument arguments[16];
    if (takes_its_input(b, site, expr, row->name)
        || !arguments_bind(b->s, site->scope, expr, row->name, row->rows, row->row_count, arguments))
        return false;
    LayerCall call = {.arguments = arguments, .scope = site->scope, .path = path, .span = expr->span};
    return b->dry ? layer_check(b, row, &call) : row->build(b, &call, in, out);
}

/* The value of each formal: constants, since shapes may depend on them. */
static bool bind_formals(NetworkBuilder *b, const Site *site, const Expr *call, const Decl *encoder, Scope *inner) {
    Sema *s = b->s;
    BoundFormal *bound = NEW_ARRAY(s->arena, BoundFormal, formal_count(encoder->formals) + 1);
    if (!formals_bind(s, call, encoder->name, encoder->formals, bound))
        return false;
    bool fine = true;
    int i = 0;
    for (const Formal *formal = encoder->formals; formal; formal = formal->next, i++) {
        Value *value = value_error(s, formal->span);
        Type type = formal->type ? type_of_expr(s, formal->type) : SCALAR(TYPE_NONE);
        if (!formal->type && formal->value)
            type = value_of(s, inner, formal->value, type)->type;
        value = bound[i].given ? value_of(s, site->scope, bound[i].given, type) : value_of(s, inner, formal->value, type);
        if (!b->dry) {
            Value *known = NEW(s->arena, Value);
            if (value_fold(s, value, arena_printf(s->arena, "`%s` of %s", formal->name, encoder->name), known))
                value = known;
            else
                fine = false;
        }
        scope_bind_formal(s, inner, formal->name, formal->span, value);
    }
    return fine;
}

/* ---- Bodies ---- */

static bool body_let(NetworkBuilder *b, Site *site, Scope *scope, const Stmt *stmt) {
    Sema *s = b->s;
    if (stmt->binder)
        diag(s->diagnostics, E0342, stmt->span, "a local of an encoder is one: it has no index");
    if (!stmt->value)
        return false;
    if (!is_piece(s, site, stmt->value)) {
        Value *value = value_of(s, scope, stmt->value, SCALAR(TYPE_NONE)), *known = NEW(s->arena, Value);
        bool fine = b->dry ? value_peek(s, value, known) || !value_wrong(value)
                           : value_fold(s, value, arena_printf(s->arena, "`%s`", stmt->name), known);
        /* Folded here, so that a chain of locals is not computed over and over. */
        scope_bind(s, scope, stmt->name, stmt->name_span, known->span.source ? known : value_error(s, stmt->value->span));
        return fine && !stmt->binder;
    }
    const Local *earlier = find_local(site, stmt->name);
    if (earlier || layer_find(stmt->name) || is_combinator(stmt->name) || find_encoder(s, stmt->name)) {
        Diagnostic *d = diag(s->diagnostics, E0315, stmt->name_span, "`%s` already means something here%s", stmt->name,
                             earlier ? "" : layer_find(stmt->name) ? ": it is a layer" : ": it is an encoder");
        if (earlier)
            diag_note(s->diagnostics, d, earlier->span, "it was named before");
    }
    Local *local = NEW(s->arena, Local);
    *local = (Local){site->locals, stmt->name, stmt->name_span, stmt->value};
    site->locals = local;
    return !stmt->binder;
}

/* A body whose formals are bound in scope. */
static bool build_body(NetworkBuilder *b, const Decl *encoder, Scope *scope, Signal in, const char *path, Signal *out) {
    Site site = {.scope = scope};
    bool fine = true;
    for (const Stmt *stmt = encoder->body; stmt; stmt = stmt->next) {
        switch (stmt->kind) {
        case STMT_ERROR:
            fine = false;
            break;
        case STMT_LET:
            fine &= body_let(b, &site, scope, stmt);
            break;
        case STMT_RETURN:
            if (stmt->next) {
                diag(b->s->diagnostics, E0342, stmt->next->span, "nothing may follow the `return` of an encoder");
                return false;
            }
            return stmt->value && build(b, &site, stmt->value, in, same_path(path), out) && fine;
        default:
            diag(b->s->diagnostics, E0342, stmt->span, "an encoder's body holds `let` and one `return`%s",
                 stmt->kind == STMT_IF ? "; a choice is written `if … then … else …`" : "");
            fine = false;
        }
    }
    if (fine && !b->s->incomplete)         /* else it may be what could not be read */
        diag(b->s->diagnostics, E0342, encoder->name_span, "the encoder `%s` has no `return`", encoder->name);
    return false;
}

static Scope *definition_scope(Sema *s, const Decl *encoder, Shape in) {
    Scope *scope = NEW(s->arena, Scope);
    *scope = (Scope){.place = PLACE_ENCODER, .in = in,
                     .module = of_module(s, encoder->span)};
    return scope;
}

static bool encoder_piece(NetworkBuilder *b, const Site *site, const Decl *encoder, const Expr *expr, Signal in, const char *path, Signal *out) {
    if (takes_its_input(b, site, expr, encoder->name))
        return false;
    for (const Expansion *at = b->expansion; at; at = at->outer) {
        if (at->encoder != encoder)
            continue;
        network_error(b, E0338, expr->span, "the encoder `%s` contains itself", encoder->name);
        return false;
    }
    Scope *scope = definition_scope(b->s, encoder, in.shape);
    scope->unused = b->dry;
    if (!bind_formals(b, site, expr, encoder, scope))
        return false;
    if (b->dry)
        return true;
    Expansion expansion = {b->expansion, encoder, expr->span};
    b->expansion = &expansion;
    bool fine = build_body(b, encoder, scope, in, path, out);
    b->expansion = expansion.outer;
    return fine;
}

/* ---- Names that would meet ---- */

/* How far the program has got, to go back to. */
typedef struct { int parameters, statistics, layers, dropouts; int64_t parameter_floats, statistic_floats; } Mark;

static Mark mark_of(const NetworkBuilder *b) {
    const Program *program = b->s->program;
    return (Mark){program->parameters.count, program->statistics.count, b->network->layers.count, b->s->dropouts,
                  program->parameter_floats, program->statistic_floats};
}

static void go_back(NetworkBuilder *b, Mark mark) {
    Program *program = b->s->program;
    program->parameters.count  = mark.parameters;
    program->statistics.count  = mark.statistics;
    program->parameter_floats  = mark.parameter_floats;
    program->statistic_floats  = mark.statistic_floats;
    b->network->layers.count   = mark.layers;
    b->parameter_spans.count   = mark.parameters - b->first_parameter;
    b->s->dropouts             = mark.dropouts;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool names_meet(NetworkBuilder *b, int first) {
    const Program *program = b->s->program;
    int count = program->parameters.count - first;
    const char **names = NEW_ARRAY(b->s->arena, const char *, count + 1);
    for (int i = 0; i < count; i++)
        names[i] = program->parameters.items[first + i].name;
    qsort(names, (size_t)count, sizeof *names, compare_names);
    for (int i = 1; i < count; i++)
        if (strcmp(names[i], names[i - 1]) == 0)
            return true;
    return false;
}

/* ---- Chains, sums, joins ---- */

/* What isn't built (a branch not taken, what stands behind an error) is checked for names and forms. */
static bool check_apart(NetworkBuilder *b, const Site *site, const Expr *expr, Signal in) {
    Network aside = {0};
    NetworkBuilder dry = {.s = b->s, .network = &aside, .prefix = b->prefix, .dry = true, .frames = b->frames, .expansion = b->expansion};
    Scope unused = {.parent = site->scope, .place = PLACE_ENCODER, .in = in.shape, .unused = true};
    Site inner = {&unused, site->locals};
    Signal out = in;
    return build(&dry, &inner, expr, in, same_path(""), &out);
}

/* The call of member i, when that is each(f) or label: each(f) and the next one is `mean`; else NULL. */
static const Expr *each_call(const Site *site, const Expr *const *members, int i, int count) {
    const Expr *call = members[i];
    while (call->kind == EXPR_LABEL)
        call = call->base;
    bool fits = call->kind == EXPR_CALL && is_name(call->base, "each") && !find_local(site, call->base->name)
             && i + 1 < count && is_name(members[i + 1], "mean") && !find_local(site, members[i + 1]->name);
    return fits ? call : NULL;
}

static const char *labelled_path(Arena *arena, const char *path, const Expr *member) {
    for (; member->kind == EXPR_LABEL; member = member->base)
        path = path_join(arena, path, member->name);
    return path;
}

/* in: frames behind one another, [frames, channels, height, width] or [frames, features]. */
static bool frames_of(NetworkBuilder *b, const Expr *call, Shape in, Shape *frame) {
    if (b->inside_each) {
        network_error(b, E0343, call->span, "`each` inside of `each`: a frame has no frames of its own");
        return false;
    }
    if (in.rank != 2 && in.rank != 4) {
        Diagnostic *d = network_error(b, E0343, call->span,
                                      "`each(f)` needs [frames, channels, height, width] or [frames, features], and %s comes in",
                                      shape_text(b->s->arena, in));
        diag_help(b->s->diagnostics, d, in.rank == 3 ? "this is a single picture: `each` and `mean` can go"
                                                     : "a modality with frames is a video[…] or a flowclip[…]");
        return false;
    }
    *frame = (Shape){.rank = in.rank - 1};
    for (int i = 1; i < in.rank; i++)
        frame->size[i - 1] = in.size[i];
    return true;
}

/* each(f) -> mean: f runs on batch * frames rows, with parameters and statistics of its own once. */
static bool each_piece(NetworkBuilder *b, const Site *site, const Expr *call, const Expr *mean, Signal in, Path path, const char *mean_path,
                       Signal *out) {
    static const ArgumentRow rows[] = {{"f", TYPE_NONE, ARGUMENT_REQUIRED | ARGUMENT_RAW, .words = NULL}};
    Argument arguments[1];
    Signal frame = in;
    *out = in;
    if (!arguments_bind(b->s, site->scope, call, "each", rows, 1, arguments) || (!b->dry && !frames_of(b, call, in.shape, &frame.shape)))
        return false;
    int64_t frames = b->dry ? 1 : in.shape.size[0];
    int first = b->network->layers.count;
    b->frames = frames;
    b->inside_each = true;
    bool fine = build(b, site, arguments[0].raw, frame, path, &frame);
    b->frames = 1;
    b->inside_each = false;
    for (int i = first; i < b->network->layers.count; i++)
        b->network->layers.items[i].flops *= frames;
    return fine && (b->dry || layer_add_mean(b, mean_path, mean->span, frames, frame, out));
}

static bool chain_pass(NetworkBuilder *b, const Site *site, const Expr *const *members, int first, int count, bool alone, bool locals_too,
                       Signal in, const char *path, Signal *out) {
    bool fine = true;
    *out = in;
    for (int i = first; i < count; i++) {
        if (!fine && !b->dry) {            /* shapes are lost: what else is wrong? */
            check_apart(b, site, members[i], in);
            continue;
        }
        const char *position = alone || members[i]->kind == EXPR_LABEL ? path : path_number(b->s->arena, path, i);
        const Expr *each = each_call(site, members, i, count);
        if (each) {
            position = labelled_path(b->s->arena, position, members[i]);
            fine &= each_piece(b, site, each, members[i + 1], in, (Path){position, locals_too ? position : path},
                               path_number(b->s->arena, path, i + 1), out);
            in = *out;
            i++;
            continue;
        }
        fine &= build(b, site, members[i], in, (Path){position, locals_too ? position : path}, out);
        in = *out;
    }
    return fine;
}

/* A member of a chain is named by its position, unless it has a label or is a local.
 * Where a local's names would meet others, it is named by its position as well. */
static bool chain_piece(NetworkBuilder *b, const Site *site, const Expr *const *members, int first, int count, bool alone,
                        Signal in, const char *path, Signal *out) {
    Mark mark = mark_of(b);
    if (!chain_pass(b, site, members, first, count, alone, false, in, path, out))
        return false;
    if (b->dry || !names_meet(b, mark.parameters))
        return true;
    go_back(b, mark);
    return chain_pass(b, site, members, first, count, alone, true, in, path, out);
}

/* Operands add nothing to names, unless two of them would then have the same: each
 * without a label is then named by its position. */
static bool build_operands(NetworkBuilder *b, const Site *site, const Expr *const *operands, int count, Signal in, Path path, Signal *results) {
    Mark mark = mark_of(b);
    for (int pass = 0; pass < 2; pass++) {
        bool fine = true;
        for (int i = 0; i < count; i++) {
            bool numbered = pass == 1 && operands[i]->kind != EXPR_LABEL;
            fine &= build(b, site, operands[i], in, numbered ? same_path(path_number(b->s->arena, path.piece, i)) : path, &results[i]);
        }
        if (!fine)
            return false;
        if (b->dry || pass == 1 || !names_meet(b, mark.parameters))
            break;
        go_back(b, mark);
    }
    return true;
}

static bool sum_piece(NetworkBuilder *b, const Site *site, const Expr *expr, Signal in, Path path, Signal *out) {
    int count = 1;
    const Expr *left = expr;
    for (; left->kind == EXPR_BINARY && left->op == OP_ADD; left = left->base)
        count++;
    const Expr **operands = NEW_ARRAY(b->s->arena, const Expr *, count);
    Span *spans = NEW_ARRAY(b->s->arena, Span, count);
    left = expr;
    for (int i = count - 1; i > 0; i--, left = left->base) {
        operands[i] = left->right;
        spans[i] = left->op_span;
    }
    operands[0] = left;
    Signal *results = NEW_ARRAY(b->s->arena, Signal, count);
    if (!build_operands(b, site, operands, count, in, path, results))
        return false;
    *out = results[0];
    for (int i = 1; i < count && !b->dry; i++)
        if (!layer_add_sum(b, path.piece, spans[i], *out, results[i], out))
            return false;
    return true;
}

static bool concat_piece(NetworkBuilder *b, const Site *site, const Expr *expr, Signal in, Path path, Signal *out) {
    int count = 0;
    for (const Arg *argument = expr->kind == EXPR_CALL ? expr->arguments : NULL; argument; argument = argument->next, count++) {
        if (argument->name) {
            diag(b->s->diagnostics, E0320, argument->name_span, "what `concat` joins has no names; `%s: …` labels it", argument->name);
            return false;
        }
    }
    if (count < 2 || count > MAX_JOINED) {
        network_error(b, E0337, expr->span, "`concat` joins two to %d encoders, and here are %d", MAX_JOINED, count);
        return false;
    }
    const Expr *operands[MAX_JOINED];
    Signal results[MAX_JOINED];
    count = 0;
    for (const Arg *argument = expr->arguments; argument; argument = argument->next)
        operands[count++] = argument->value;
    return build_operands(b, site, operands, count, in, path, results)
        && (b->dry || layer_add_concat(b, path.piece, expr->span, count, results, out));
}

static bool repeat_piece(NetworkBuilder *b, const Site *site, const Expr *expr, Signal in, Path path, Signal *out) {
    static const ArgumentRow rows[] = {
        {"n", TYPE_INT, ARGUMENT_REQUIRED | ARGUMENT_FIXED, .low = 0, .high = MAX_PARTS},
        {"f", TYPE_NONE, ARGUMENT_REQUIRED | ARGUMENT_RAW, .words = NULL},
    };
    Argument arguments[2];
    bool fine = arguments_bind(b->s, site->scope, expr, "repeat", rows, 2, arguments);
    const Expr *piece = arguments[1].raw;
    *out = in;
    if (b->dry)
        return piece && build(b, site, piece, in, path, out) && fine;
    if (!fine)
        return false;
    int64_t copies = arguments[0].value->integer;
    for (int i = 0; i < copies; i++) {
        if (!build(b, site, piece, in, same_path(path_number(b->s->arena, path.piece, i)), out))
            return false;
        in = *out;
    }
    return true;
}

static bool combinator_piece(NetworkBuilder *b, const Site *site, Name name, const Expr *expr, Signal in, Path path, Signal *out) {
    if (strcmp(name, "repeat") == 0)
        return repeat_piece(b, site, expr, in, path, out);
    if (strcmp(name, "concat") == 0)
        return concat_piece(b, site, expr, in, path, out);
    if (strcmp(name, "each") == 0) {
        network_error(b, E0343, expr->span, "`each(f)` runs an encoder on every frame and is followed by `-> mean`");
        return false;
    }
    network_error(b, E0331, expr->span, "`%s` joins the modalities' features: it stands in `fusion = …` only", name);
    return false;
}

/* ---- One piece ---- */

static bool named_piece(NetworkBuilder *b, const Site *site, const Expr *expr, Signal in, Path path, Signal *out) {
    const Expr *callee = expr->kind == EXPR_CALL ? expr->base : expr;
    if (callee->kind != EXPR_NAME)
        return not_a_piece(b, callee);
    const Local *local = find_local(site, callee->name);
    if (local) {
        if (expr->kind == EXPR_CALL) {
            network_error(b, E0331, expr->span, "`%s` is a local: it takes no arguments", callee->name);
            return false;
        }
        Site inner = {site->scope, local->next};
        return build(b, &inner, local->expr, in, same_path(path.local), out);
    }
    const LayerRow *row = layer_find(callee->name);
    if (row)
        return layer_piece(b, site, row, expr, in, path.piece, out);
    if (is_combinator(callee->name))
        return combinator_piece(b, site, callee->name, expr, in, path, out);
    const Decl *encoder = find_encoder(b->s, callee->name);
    if (encoder)
        return encoder_piece(b, site, encoder, expr, in, path.piece, out);
    return unknown_piece(b, site, callee);
}

static bool if_piece(NetworkBuilder *b, const Site *site, const Expr *expr, Signal in, Path path, Signal *out) {
    Value *condition = value_of(b->s, site->scope, expr->base, SCALAR(TYPE_BOOL));
    if (b->dry) {
        bool then = build(b, site, expr->right, in, path, out);
        return build(b, site, expr->other, in, path, out) && then;
    }
    Value known;
    if (!value_fold(b->s, condition, "the condition of an encoder", &known))
        return false;
    bool other = check_apart(b, site, known.integer ? expr->other : expr->right, in);
    return build(b, site, known.integer ? expr->right : expr->other, in, path, out) && other;
}

static bool build_piece(NetworkBuilder *b, const Site *site, const Expr *expr, Signal in, Path path, Signal *out) {
    switch (expr->kind) {
    case EXPR_NAME: case EXPR_CALL:
        return named_piece(b, site, expr, in, path, out);
    case EXPR_LABEL:
        return build(b, site, expr->base, in, same_path(path_join(b->s->arena, path.piece, expr->name)), out);
    case EXPR_IF:
        return if_piece(b, site, expr, in, path, out);
    case EXPR_BINARY:
        if (expr->op == OP_ARROW) {
            const Expr *const *members;
            int count = chain_members(b->s->arena, expr, &members);
            return chain_piece(b, site, members, 0, count, false, in, path.piece, out);
        }
        if (expr->op == OP_ADD)
            return sum_piece(b, site, expr, in, path, out);
        return not_a_piece(b, expr);
    default:
        return not_a_piece(b, expr);
    }
}

static bool build(NetworkBuilder *b, const Site *site, const Expr *expr, Signal in, Path path, Signal *out) {
    *out = in;
    if (++b->parts > MAX_PARTS || b->depth >= MAX_DEPTH) {
        network_error(b, E0339, expr->span, b->parts > MAX_PARTS ? "this network has more than %d parts" : "the parts of this network are nested more than %d deep",
                      b->parts > MAX_PARTS ? MAX_PARTS : (int)MAX_DEPTH);
        return false;
    }
    b->depth++;
    bool fine = build_piece(b, site, expr, in, path, out);
    b->depth--;
    return fine;
}

/* ---- From outside ---- */

bool network_expression(NetworkBuilder *b, const Expr *expr, Signal in, const char *path, Signal *out) {
    Scope scope = {.place = PLACE_ENCODER, .in = in.shape};
    Site site = {.scope = &scope};
    return build(b, &site, expr, in, same_path(path), out);
}

bool network_chain(NetworkBuilder *b, const Expr *const *members, int first, int count, bool alone, Signal in,
                   const char *path, Signal *out) {
    Scope scope = {.place = PLACE_ENCODER, .in = in.shape};
    Site site = {.scope = &scope};
    return chain_piece(b, &site, members, first, count, alone, in, path, out);
}

bool encoder_build(Sema *s, const Expr *expr, Shape in, const char *prefix, int group, Network *out) {
    if (!expr || expr->kind == EXPR_ERROR)
        return false;
    NetworkBuilder b = network_builder(s, out, prefix, group);
    out->input_count = 1;
    out->inputs[0] = in;
    Signal signal = {-1, in}, result;
    if (shape_count(in) > MAX_NUMBERS) {
        diag(s->diagnostics, E0340, expr->span, "what comes in, %s, has more than 2^34 numbers", shape_text(s->arena, in));
        return false;
    }
    return network_expression(&b, expr, signal, "", &result) && network_finish(&b, result);
}

void encoder_check_definition(Sema *s, const Decl *encoder) {
    Network aside = {0};
    NetworkBuilder b = {.s = s, .network = &aside, .prefix = "", .dry = true, .frames = 1};
    Scope *scope = definition_scope(s, encoder, (Shape){0});
    scope->unused = true;
    for (const Formal *formal = encoder->formals; formal; formal = formal->next) {
        if (formal->type)
            type_of_expr(s, formal->type);
        if (formal->value)
            value_of(s, scope, formal->value, SCALAR(TYPE_NONE));
        scope_bind_formal(s, scope, formal->name, formal->span, value_error(s, formal->span));
    }
    Signal in = {-1, {0}}, out;
    Expansion expansion = {NULL, encoder, encoder->name_span};
    b.expansion = &expansion;
    build_body(&b, encoder, scope, in, "", &out);
}
