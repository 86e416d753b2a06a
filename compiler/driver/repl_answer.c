#include "driver/repl_answer.h"

#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BAR = 40, MOST_CELLS = 256 };

/* ---- Fields ---- */

const char *const answer_fields[] = {"redundancy", "unique", "synergy", "mutual", "total", "entropy", "gap", NULL};

int answer_field(const Answer *result, const char *field, int index, double *out) {
    const MmlPid *pid = &result->pid;
    int indexed = !strcmp(field, "unique") || !strcmp(field, "mutual");
    if (result->kind != ANSWER_PID || (indexed ? index < 0 || index >= result->table.sources : index >= 0)) return 0;
    if (!strcmp(field, "redundancy")) *out = pid->redundancy;
    else if (!strcmp(field, "unique")) *out = pid->unique[index];
    else if (!strcmp(field, "synergy")) *out = pid->synergy;
    else if (!strcmp(field, "mutual")) *out = pid->mutual[index];
    else if (!strcmp(field, "total")) *out = pid->total;
    else if (!strcmp(field, "entropy")) *out = pid->entropy;
    else if (!strcmp(field, "gap")) *out = pid->gap;
    else return 0;
    return 1;
}

/* ---- Pictures ---- */

static int has_blocks(void) { return strcmp(nl_langinfo(CODESET), "UTF-8") == 0; }

/* bits out of most, as a bar with eighths of a character where the terminal has them. */
static void put_bar(double bits, double most) {
    static const char *const eighths[] = {"", "\u258F", "\u258E", "\u258D", "\u258C", "\u258B", "\u258A", "\u2589"};
    double share = most > 0 ? fmin(fmax(bits / most, 0), 1) : 0;
    int parts = (int)lround(share * BAR * 8);
    if (has_blocks()) {
        for (int i = 0; i < parts / 8; i++) fputs("\u2588", stdout);
        fputs(eighths[parts % 8], stdout);
    } else {
        for (int i = 0; i < (parts + 4) / 8; i++) putchar('#');
    }
}

/* Rounding may leave a zero negative. */
static double shown(double bits) { return fabs(bits) < 5e-7 ? 0 : bits; }

static void put_row(const char *name, const char *of, double bits, double most) {
    char left[80];
    snprintf(left, sizeof left, "%s%s%s", name, *of ? " " : "", of);
    printf("  %-20s %9.6f  ", left, shown(bits));
    put_bar(bits, most);
    putchar('\n');
}

static void print_pid(const Answer *result) {
    const MmlPid *pid = &result->pid;
    int sources = result->table.sources;
    double most = fmax(pid->total, fmax(pid->redundancy, pid->synergy));
    put_row("redundancy", "", pid->redundancy, most);
    for (int k = 0; k < sources; k++) put_row("unique", result->names[k], pid->unique[k], most);
    put_row("synergy", "", pid->synergy, most);
    printf("  total %.6f of H(Y) %.6f bit", shown(pid->total), shown(pid->entropy));
    for (int k = 0; k < sources; k++) printf("; I(%s;Y) %.6f", result->names[k], shown(pid->mutual[k]));
    if (!isnan(pid->gap)) printf("; gap %.1e", pid->gap);
    if (!isnan(result->synergy_error)) printf("; synergy ± %.4f", result->synergy_error);
    putchar('\n');
}

static void print_table(const Answer *result) {
    const MmlTable *table = &result->table;
    i64 cells = table->labels;
    double sum = 0;
    for (int k = 0; k < table->sources; k++) cells *= table->bins[k];
    for (i64 c = 0; c < cells; c++) sum += table->p[c];
    printf("  ");
    for (int k = 0; k < table->sources; k++) printf("%-5s ", result->names[k]);
    printf("%-5s %s\n", "y", "P");
    i64 put = 0;
    for (i64 c = 0; c < cells; c++) {
        if (table->p[c] == 0) continue;
        if (put++ == MOST_CELLS) break;
        i64 stride = cells / table->bins[0];
        printf("  ");
        for (int k = 0; k < table->sources; k++) {
            printf("%-5lld ", (long long)(c / stride % table->bins[k]));
            stride /= k + 1 < table->sources ? table->bins[k + 1] : table->labels;
        }
        printf("%-5lld %-9.6g ", (long long)(c % table->labels), table->p[c] / sum);
        put_bar(table->p[c] / sum, 1);
        putchar('\n');
    }
    if (put > MOST_CELLS) printf("  … and further cells\n");
}

void answer_print(const Answer *result) {
    switch (result->kind) {
    case ANSWER_NOTHING: break;
    case ANSWER_SCALAR:
    case ANSWER_RULE:    printf("%s : %s\n", result->text, result->type); break;
    case ANSWER_TABLE:   printf("distribution of %d x", result->table.bins[0]);
                         for (int k = 1; k < result->table.sources; k++) printf(" %d x", result->table.bins[k]);
                         printf(" %d\n", result->table.labels);
                         print_table(result);
                         break;
    case ANSWER_PID:     printf("%s, in bits\n", result->type);
                         print_pid(result);
                         break;
    }
}

/* ---- Names ---- */

typedef struct { char *name; Answer result; } Bound;
static Bound *bound;
static int    bound_count, bound_room;

static void release(Bound *at) {
    for (int k = 0; k < at->result.table.sources; k++) free((char *)at->result.names[k]);
    free((double *)at->result.table.p);
    free((char *)at->result.type);
    free(at->name);
}

void binding_forget(const char *name) {
    for (int i = 0; i < bound_count; i++) {
        if (strcmp(bound[i].name, name)) continue;
        release(&bound[i]);
        bound[i] = bound[--bound_count];
        return;
    }
}

static i64 cells_of(const MmlTable *table) {
    i64 cells = table->p ? table->labels : 0;
    for (int k = 0; k < table->sources; k++) cells *= table->bins[k];
    return cells;
}

static Bound copied(const char *name, const Answer *result) {
    Bound  copy  = {.name = strdup(name), .result = *result};
    i64    cells = cells_of(&result->table);
    double *p    = malloc(sizeof *p * (size_t)(cells + 1));
    copy.result.type = strdup(result->type);
    if (!p || !copy.name || !copy.result.type) arena_exhausted(sizeof *p * (size_t)cells);
    if (cells) memcpy(p, result->table.p, sizeof *p * (size_t)cells);
    copy.result.table.p = p;
    for (int k = 0; k < result->table.sources; k++)
        if (!(copy.result.names[k] = strdup(result->names[k]))) arena_exhausted(strlen(result->names[k]));
    return copy;
}

void binding_store(const char *name, const Answer *result) {
    Bound copy = copied(name, result);             /* result may be the one that goes */
    binding_forget(copy.name);
    if (bound_count == bound_room) {
        bound_room = bound_room ? 2 * bound_room : 16;
        Bound *larger = realloc(bound, sizeof *larger * (size_t)bound_room);
        if (!larger) arena_exhausted(sizeof *larger * (size_t)bound_room);
        bound = larger;
    }
    bound[bound_count++] = copy;
}

const Answer *binding_find(const char *name) {
    for (int i = 0; i < bound_count; i++)
        if (!strcmp(bound[i].name, name)) return &bound[i].result;
    return NULL;
}

void binding_each(EachBinding visit, void *context) {
    for (int i = 0; i < bound_count; i++) visit(context, bound[i].name, &bound[i].result);
}

void bindings_free(void) {
    for (int i = 0; i < bound_count; i++) release(&bound[i]);
    free(bound);
    bound = NULL;
    bound_count = bound_room = 0;
}
