#include "driver/repl_pid.h"

#include <math.h>
#include <string.h>

#include "driver/pid_input.h"
#include "driver/repl_evaluate.h"
#include "driver/repl_log.h"
#include "driver/repl_say.h"

enum { MOST_CELLS = PID_INPUT_CELLS };

/* ---- Gates: y of two fair coins ---- */

const char *const gate_names[] = {"xor", "and", "or", "copy", "unq", NULL};

static int gate_output(const char *gate, int x1, int x2) {
    if (!strcmp(gate, "xor")) return x1 ^ x2;
    if (!strcmp(gate, "and")) return x1 & x2;
    if (!strcmp(gate, "or")) return x1 | x2;
    return !strcmp(gate, "copy") ? 2 * x1 + x2 : x1;          /* unq: all is unique to x1 */
}

int distribution_named(const char *name) {
    for (int i = 0; gate_names[i]; i++)
        if (!strcmp(gate_names[i], name)) return 1;
    return 0;
}

static Answer gate(Question *question, const char *name) {
    int labels = strcmp(name, "copy") ? 2 : 4;
    double *p = NEW_ARRAY(question->arena, double, 4 * labels);
    for (int x1 = 0; x1 < 2; x1++)
        for (int x2 = 0; x2 < 2; x2++) p[(2 * x1 + x2) * labels + gate_output(name, x1, x2)] = 0.25;
    return (Answer){.kind = ANSWER_TABLE, .type = "distribution", .names = {"x1", "x2"}, .synergy_error = NAN,
                    .table = {.sources = 2, .bins = {2, 2}, .labels = labels, .p = p}};
}

/* ---- Tables typed in ---- */

typedef struct { Question *question; int rank, size[MML_PID_SOURCES + 1]; double *p; i64 at; } Reader;

static int is_number(const Expr *expr) {
    if (expr->kind == EXPR_UNARY && expr->op == OP_NEG) expr = expr->base;
    return (expr->kind == EXPR_INT || expr->kind == EXPR_REAL) && expr->unit == UNIT_NONE;
}

static double number_of(const Expr *expr) {
    if (expr->kind == EXPR_UNARY) return -number_of(expr->base);
    return expr->kind == EXPR_INT ? (double)expr->integer : expr->real;
}

static int count_items(const Expr *list) {
    int count = 0;
    for (const Arg *arg = list->arguments; arg; arg = arg->next) count++;
    return count;
}

/* Its own sizes along the first branch. */
static int read_sizes(Reader *r, const Expr *expr) {
    for (r->rank = 0; expr->kind == EXPR_LIST; expr = expr->arguments->value) {
        if (!expr->arguments) return wrong(r->question, expr, "a list of a table is empty").kind;
        if (r->rank > MML_PID_SOURCES) return wrong(r->question, expr, "a table has at most %d sources and the label", MML_PID_SOURCES).kind;
        r->size[r->rank++] = count_items(expr);
    }
    return r->rank;
}

static int read_cells(Reader *r, const Expr *expr, int level) {
    if (level == r->rank) {
        if (!is_number(expr)) return wrong(r->question, expr, "a table holds numbers, %d lists deep", r->rank).kind;
        r->p[r->at] = number_of(expr);
        if (!(r->p[r->at] >= 0) || isinf(r->p[r->at])) return wrong(r->question, expr, "weights are finite and not negative").kind;
        r->at++;
        return 1;
    }
    if (expr->kind != EXPR_LIST || count_items(expr) != r->size[level])
        return wrong(r->question, expr, "a table isn't ragged: here stands a list of %d", r->size[level]).kind;
    for (const Arg *arg = expr->arguments; arg; arg = arg->next) {
        if (arg->name) return wrong(r->question, arg->value, "a table holds no named values").kind;
        if (!read_cells(r, arg->value, level + 1)) return 0;
    }
    return 1;
}

static Answer typed_table(Question *question, const Expr *expr) {
    static const char *const names[MML_PID_SOURCES] = {"x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16"};
    Reader r = {.question = question};
    if (!read_sizes(&r, expr)) return (Answer){0};
    if (r.rank < 3) return wrong(question, expr, "a distribution is a table indexed x1, x2, y: [[[0.5, 0], [0, 0]], [[0, 0], [0, 0.5]]]");
    i64 cells = 1;
    for (int i = 0; i < r.rank && cells <= MOST_CELLS; i++) cells *= r.size[i];
    if (cells > MOST_CELLS) return wrong(question, expr, "this table has too many cells");
    r.p = NEW_ARRAY(question->arena, double, cells);
    if (!read_cells(&r, expr, 0)) return (Answer){0};
    double sum = 0;
    for (i64 c = 0; c < cells; c++) sum += r.p[c];
    if (sum == 0) return wrong(question, expr, "all weights are zero");
    Answer result = {.kind = ANSWER_TABLE, .type = "distribution", .synergy_error = NAN,
                     .table = {.sources = r.rank - 1, .labels = r.size[r.rank - 1], .p = r.p}};
    for (int k = 0; k < r.rank - 1; k++) result.table.bins[k] = r.size[k], result.names[k] = names[k];
    return result;
}

Answer distribution(Question *question, const Expr *expr) {
    if (expr->kind == EXPR_LIST) return typed_table(question, expr);
    const Answer *bound = expr->kind == EXPR_NAME ? binding_find(expr->name) : NULL;
    if (bound && bound->kind == ANSWER_TABLE) return *bound;
    if (expr->kind == EXPR_NAME && distribution_named(expr->name)) return gate(question, expr->name);
    return wrong(question, expr, "this is no distribution: a gate (xor, and, or, copy, unq), a table [[[…]]], a file \"…\" or a name of one");
}

/* ---- Decompositions ---- */

Answer pid_result(const MmlPid *pid, const char *const *names, int sources) {
    Answer result = {.kind = ANSWER_PID, .type = "decomposition", .pid = *pid, .synergy_error = NAN, .table = {.sources = sources}};
    result.pid.q = result.pid.dual = NULL;
    for (int k = 0; k < sources; k++) result.names[k] = names[k];
    return result;
}

static Answer solve(Question *question, const Answer *of) {
    MmlArena *arena = mml_arena_new();
    MmlPid    pid;
    Status    status = arena ? mml_pid_solve(&of->table, NULL, arena, &pid) : MML_ENOMEM;
    Answer    result = {0};
    if (status == MML_OK) result = pid_result(&pid, of->names, of->table.sources);
    else failed_with("");
    mml_arena_free(arena);
    return result;
}

/* Every distribution of the file is shown; the last one is the value. */
static Answer solve_file(Question *question, const char *path) {
    MmlArena *arena = mml_arena_new();
    PidInput  input;
    Answer    result = {0};
    Status    status = arena ? pid_input_read(path, 0, arena, &input) : MML_ENOMEM;
    if (status != MML_OK) failed_with("");
    for (int i = 0; status == MML_OK && i < input.count; i++) {
        const Answer of = {.kind = ANSWER_TABLE, .table = input.items[i].table, .names = {"x1", "x2"}};
        result = solve(question, &of);
        if (result.kind != ANSWER_PID) break;
        if (input.count > 1) printf("%s\n", input.items[i].name);
        if (i + 1 < input.count) answer_print(&result);
    }
    mml_arena_free(arena);
    return result;
}

Answer pid_call(Question *question, const Expr *call) {
    if (!check_arguments(question, call, "pid", 1, 1, NULL)) return (Answer){0};
    const Expr *of = positional(call, 0);
    if (of->kind == EXPR_STRING) {
        const char *path = text_argument(question, of, "pid", "a file");
        if (!path) return (Answer){0};
        return log_is(path) ? log_probes(question, path) : solve_file(question, path);
    }
    Answer table = distribution(question, of);
    return table.kind == ANSWER_TABLE ? solve(question, &table) : (Answer){0};
}
