#include "codegen/probe_code.h"

#include <string.h>
#include "codegen/specialise.h"

#define LANES 4        /* of fastpid_kernel.c as bitcode */

static const Setting *setting_of(const Gen *g, const Measurement *measurement, const char *name) {
    return program_setting(g->program, arena_printf(g->arena, "%s.%s", measurement->path, name));
}

/* Whether the setting is the given one of its words. */
static int is_word(const Gen *g, const Setting *setting, const char *word) {
    int64_t chosen = program_integer(g->program, setting);
    if (chosen < 0 || !setting->words) return 0;
    const char *at = setting->words;
    for (; chosen > 0 && at; chosen--) {
        at = strchr(at, '|');
        at += at != NULL;
    }
    return at && strcspn(at, "|") == strlen(word) && !strncmp(at, word, strlen(word));
}

static int64_t bins_of(const Gen *g, const Measurement *measurement) {
    if (is_word(g, setting_of(g, measurement, "bins"), "argmax")) return g->program->target.classes;
    return program_integer(g->program, setting_of(g, measurement, "bins.k"));
}

LLVMValueRef probe_code(Gen *g, const Measurement *measurement) {
    if (measurement->measure != MEASURE_PID || g->modalities != 2 || !g->wide || g->options->optimize < 2) return gen_null(g);
    if (!is_word(g, setting_of(g, measurement, "solver"), "adam")) return gen_null(g);
    int64_t bins = bins_of(g, measurement), planes = (g->program->target.classes + LANES - 1) / LANES;
    if (bins < 1 || planes < 1) return gen_null(g);
    static const char *const functions[] = {"mml_fastpid_sweep", "mml_fastpid_project", "mml_fastpid_differentiate"};
    const int64_t sizes[] = {bins, bins, planes};
    Table table = table_new(g);
    g->loops = 1;
    for (int i = 0; i < 3; i++) table_int(&table, sizes[i]);
    table_int(&table, LANES);
    for (int i = 0; i < 3; i++) table_value(&table, specialise(g->module, "fastpid", functions[i], sizes, 3));
    table_end(&table, 0, sizeof(MmlFastPidCode));
    return table_global(&table, "fastpid");
}
