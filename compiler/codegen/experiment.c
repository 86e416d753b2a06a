#include "codegen/experiment.h"

#include <inttypes.h>
#include <string.h>
#include "codegen/probe_code.h"
#include "codegen/rules.h"
#include "codegen/settings.h"
#include "codegen/step.h"
#include "codegen/target.h"

/* ---- Hash ---- */

static void hash_bytes(uint64_t *hash, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) *hash = (*hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    *hash = *hash * UINT64_C(0x100000001b3);         /* a part ends here: as a byte 0 */
}

typedef struct { const Source *sources[64]; int count; } Sources;

static void note_source(Sources *s, Span span) {
    if (!span.source) return;
    for (int i = 0; i < s->count; i++)
        if (s->sources[i] == span.source) return;
    if (s->count < 64) s->sources[s->count++] = span.source;
}

static void note_network(Sources *s, const Network *network) {
    for (int l = 0; l < network->layers.count; l++) note_source(s, network->layers.items[l].span);
}

const char *experiment_hash(Gen *g) {
    const Program *program = g->program;
    Sources sources = {{program->source}, 1};
    for (int i = 0; i < program->settings.count; i++) note_source(&sources, program->settings.items[i].span);
    for (int m = 0; m < program->modalities.count; m++) {
        note_network(&sources, &program->modalities.items[m].encoder);
        note_network(&sources, &program->modalities.items[m].head);
    }
    for (int i = 0; i < program->stages.count; i++) {
        const Stage *stage = &program->stages.items[i];
        if (stage->policy) note_source(&sources, stage->policy->span);
        if (stage->method) note_source(&sources, stage->method->span);
    }
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < sources.count; i++) hash_bytes(&hash, sources.sources[i]->text, sources.sources[i]->length);
    const char *compiler = g->options->compiler ? g->options->compiler : "", *flags = g->options->flags ? g->options->flags : "";
    hash_bytes(&hash, compiler, strlen(compiler));
    hash_bytes(&hash, flags, strlen(flags));
    return arena_printf(g->arena, "%016" PRIx64, hash);
}

/* ---- Data ---- */

static void shape_words(Table *t, Shape shape) {
    table_int(t, shape.rank);
    for (int i = 0; i < MML_MAX_RANK; i++) table_int(t, i < shape.rank ? shape.size[i] : 0);
}

static LLVMValueRef source_table(Gen *g) {
    Table table = table_new(g);
    for (int i = 0; i < g->program->sources.count; i++) {
        const DataSource *source = &g->program->sources.items[i];
        Table files = table_new(g), fields = table_new(g);
        for (int f = 0; f < source->file_slots.count; f++) table_int(&files, source->file_slots.items[f]);
        for (int f = 0; f < source->fields.count; f++) table_text(&fields, source->fields.items[f]);
        int from = table.words.count;
        table_text(&table, source->name);
        table_text(&table, source->kind);
        table_text(&table, source->path);
        table_text(&table, source->where);
        table_int(&table, source->file_slots.count);
        table_value(&table, table_global(&files, "files"));
        table_int(&table, source->fields.count);
        table_value(&table, table_global(&fields, "fields"));
        table_end(&table, from, sizeof(MmlSource));
    }
    return table_global(&table, "sources");
}

static LLVMValueRef transform_table(Gen *g, const Modality *modality) {
    Table table = table_new(g);
    for (int i = 0; i < modality->steps.count; i++) {
        const TransformStep *step = &modality->steps.items[i];
        int from = table.words.count;
        table_text(&table, step->name);
        table_text(&table, step->path);
        table_text(&table, step->where);
        shape_words(&table, step->in);
        shape_words(&table, step->out);
        table_end(&table, from, sizeof(MmlTransform));
    }
    return table_global(&table, "transforms");
}

static LLVMValueRef modality_table(Gen *g) {
    Table table = table_new(g);
    for (int m = 0; m < g->modalities; m++) {
        const Modality *modality = &g->program->modalities.items[m];
        int from = table.words.count;
        table_text(&table, modality->name);
        table_text(&table, modality->type_text);
        shape_words(&table, modality->shape);
        table_int(&table, shape_count(modality->shape));
        table_int(&table, modality->source);
        table_text(&table, modality->field);
        table_int(&table, modality->steps.count);
        table_value(&table, transform_table(g, modality));
        table_int(&table, modality->width);
        table_end(&table, from, sizeof(MmlModality));
    }
    return table_global(&table, "modalities");
}

static void target_words(Gen *g, Table *table) {
    int from = table->words.count;
    table_text(table, g->program->target.name);
    table_int(table, g->program->target.classes);
    table_int(table, g->program->target.source);
    table_text(table, g->program->target.field);
    table_text(table, g->program->target.where);
    table_end(table, from, sizeof(MmlTarget));
}

/* ---- Parameters ---- */

static LLVMValueRef parameter_table(Gen *g) {
    Table table = table_new(g);
    for (int i = 0; i < g->program->parameters.count; i++) {
        const Parameter *p = &g->program->parameters.items[i];
        int from = table.words.count;
        table_text(&table, p->name);
        table_int(&table, p->group);
        table_int(&table, p->kind);
        shape_words(&table, p->shape);
        table_int(&table, p->count);
        table_int(&table, p->offset);
        table_int(&table, p->init);
        table_int(&table, p->fan_in);
        table_int(&table, p->fan_out);
        table_real(&table, p->init_value);
        table_end(&table, from, sizeof(MmlParameter));
    }
    return table_global(&table, "parameters");
}

static LLVMValueRef statistic_table(Gen *g) {
    Table table = table_new(g);
    for (int i = 0; i < g->program->statistics.count; i++) {
        const Statistic *s = &g->program->statistics.items[i];
        int from = table.words.count;
        table_text(&table, s->name);
        table_int(&table, s->group);
        table_int(&table, s->count);
        table_int(&table, s->offset);
        table_real(&table, s->start);
        table_end(&table, from, sizeof(MmlStatistic));
    }
    return table_global(&table, "statistics");
}

/* ---- Stages ---- */

static LLVMValueRef clustering_table(Gen *g, const Stage *stage, int *count) {
    Table table = table_new(g);
    *count = 0;
    for (int i = 0; i < g->program->clusterings.count; i++) {
        const Clustering *c = &g->program->clusterings.items[i];
        if (c->stage != stage->path) continue;
        int from = table.words.count;
        table_text(&table, c->name);
        table_int(&table, c->modality);
        table_int(&table, c->probe);
        table_int(&table, c->bins);
        table_int(&table, c->components);
        table_int(&table, c->normalize);
        table_int(&table, c->restarts);
        table_int(&table, c->every);
        table_int(&table, c->samples);
        table_int(&table, c->floats);
        table_int(&table, c->offset);
        table_end(&table, from, sizeof(MmlClustering));
        ++*count;
    }
    return table_global(&table, "clusterings");
}

static LLVMValueRef stage_table(Gen *g) {
    const Ir *ir = g->ir;
    LLVMValueRef *steps = NEW_ARRAY(g->arena, LLVMValueRef, (ir ? ir->steps.count : 0) + 1);
    for (int i = 0; ir && i < ir->steps.count; i++) steps[i] = step_table(g, ir->steps.items[i]);
    Table table = table_new(g);
    for (int i = 0; i < g->program->stages.count; i++) {
        const Stage *stage = &g->program->stages.items[i];
        Table measurements = table_new(g);
        for (int k = 0; k < stage->measurements.count; k++) {
            table_text(&measurements, stage->measurements.items[k].path);
            table_int(&measurements, stage->measurements.items[k].measure);
            table_value(&measurements, probe_code(g, &stage->measurements.items[k]));
        }
        int from = table.words.count;
        table_text(&table, stage->name);
        table_text(&table, stage->path);
        table_int(&table, stage->kind);
        table_value(&table, ir ? steps[ir->train[i]] : gen_null(g));
        table_value(&table, ir ? steps[ir->evaluate[i]] : gen_null(g));
        table_value(&table, rule_table(g, stage->policy));
        table_value(&table, rule_table(g, stage->method));
        table_int(&table, stage->has_probe);
        table_int(&table, stage->measurements.count);
        table_value(&table, table_global(&measurements, "measurements"));
        int clusterings;
        LLVMValueRef clustering = clustering_table(g, stage, &clusterings);
        table_int(&table, clusterings);
        table_value(&table, clustering);
        table_value(&table, ir ? steps[ir->reference_train[i]] : gen_null(g));
        table_value(&table, ir ? steps[ir->reference_evaluate[i]] : gen_null(g));
        table_end(&table, from, sizeof(MmlStage));
    }
    return table_global(&table, "stages");
}

/* ---- The experiment ---- */


LLVMValueRef experiment_table(Gen *g) {
    const Program *program = g->program;
    Table table = table_new(g);
    table_int(&table, MML_ABI_VERSION);
    table_text(&table, program->name);
    table_text(&table, program->file);
    table_text(&table, program->source ? program->source->text : "");
    table_text(&table, experiment_hash(g));
    table_text(&table, g->options->compiler ? g->options->compiler : "");
    table_text(&table, g->options->flags ? g->options->flags : "");
    table_int(&table, program->settings.count);
    table_value(&table, settings_table(g));
    table_int(&table, program->slot_count);
    table_value(&table, settings_function(g));
    table_int(&table, g->modalities);
    table_value(&table, modality_table(g));
    table_int(&table, program->sources.count);
    table_value(&table, source_table(g));
    target_words(g, &table);
    table_int(&table, program->parameters.count);
    table_value(&table, parameter_table(g));
    table_int(&table, program->parameter_floats);
    table_int(&table, program->statistics.count);
    table_value(&table, statistic_table(g));
    table_int(&table, program->statistic_floats);
    table_int(&table, program->stages.count);
    table_value(&table, stage_table(g));
    table_int(&table, program->has_fusion);
    table_int(&table, program->cluster_floats);
    table_int(&table, target_block(g->options->cpu));
    table_end(&table, 0, sizeof(MmlExperiment));
    LLVMValueRef global = table_global(&table, "mml_experiment_data");
    LLVMSetLinkage(global, LLVMExternalLinkage);
    return global;
}
