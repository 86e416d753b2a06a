#include <math.h>
#include <string.h>

#include "driver/explain.h"
#include "ir/branches.h"
#include "ir/ir.h"
#include "ir/kernels.h"
#include "ir/summary.h"
#include "sema/values.h"

/* ---- Settings ---- */

enum { WIDEST_PATH = 60, WIDEST_VALUE = 24 };

typedef struct { int path, value; } Widths;

static int widest(int width, const char *text, int limit) {
    int length = (int)strlen(text);
    return length > width && length <= limit ? length : width;
}

/* "tau : real": a param with its type. */
static const char *setting_path_text(const Explanation *x, const Setting *setting) {
    return setting->flags & SETTING_PARAM ? arena_printf(x->arena, "%s : %s", setting->path, type_text(x->arena, setting->type)) : setting->path;
}

static Widths widths_of(const Explanation *x, int param) {
    Widths widths = {8, 8};
    for (int i = 0; i < x->program->settings.count; i++) {
        const Setting *setting = &x->program->settings.items[i];
        if (!(setting->flags & SETTING_PARAM) != !param) continue;
        widths.path  = widest(widths.path, setting_path_text(x, setting), WIDEST_PATH);
        widths.value = widest(widths.value, setting_value_text(x, setting), WIDEST_VALUE);
    }
    return widths;
}

static void put_setting(const Explanation *x, const Setting *setting, Widths widths, FILE *out) {
    const char *source = setting_source_text(x, setting);
    const char *path = setting_path_text(x, setting);
    fprintf(out, "  %-*s  %-*s  %s", widths.path, path, widths.value, setting_value_text(x, setting),
            setting->flags & SETTING_REQUIRED ? "must be given" : setting->origin);
    if (source) fprintf(out, ": %s", source);
    if (setting->flags & SETTING_FIXED) fputs(setting->flags & SETTING_PARAM ? ", fixed: mmlc -D" : ", fixed", out);
    if (setting->doc && setting->flags & SETTING_PARAM) fprintf(out, "   # %.*s", (int)strcspn(setting->doc, "\n"), setting->doc);
    fputc('\n', out);
}

static void put_settings(const Explanation *x, int param, const char *title, FILE *out) {
    Widths widths = widths_of(x, param);
    int    any = 0;
    for (int i = 0; i < x->program->settings.count; i++) {
        const Setting *setting = &x->program->settings.items[i];
        if (!(setting->flags & SETTING_PARAM) != !param) continue;
        if (!any++) fprintf(out, "\n%s\n", title);
        put_setting(x, setting, widths, out);
    }
}

/* ---- Networks ---- */

/* The written members of modality's encoder, a chain; count 0 when it is none. */
enum { MOST_MEMBERS = 64 };
typedef struct { int count; const Expr *members[MOST_MEMBERS]; } Chain;

static const Expr *written_encoder(const Explanation *x, const char *modality) {
    for (const Decl *decl = x->file->decls; decl; decl = decl->next)
        for (const Property *property = decl->kind == DECL_MODALITY && decl->name == modality ? decl->properties : NULL; property; property = property->next)
            if (strcmp(property->name, "encoder") == 0) return property->value;
    return NULL;
}

/* An encoder given by --set isn't that of the file. */
static int is_overridden(const Explanation *x, const char *path) {
    for (int i = 0; i < x->program->settings.count; i++)
        if (strcmp(x->program->settings.items[i].path, path) == 0) return strncmp(x->program->settings.items[i].origin, "--set", 5) == 0;
    return 0;
}

static void flatten(const Expr *expr, Chain *chain) {
    if (expr->kind == EXPR_BINARY && expr->op == OP_ARROW) {
        flatten(expr->base, chain);
        flatten(expr->right, chain);
    } else if (chain->count < MOST_MEMBERS) {
        chain->members[chain->count++] = expr;
    }
}

/* The text of the chain's member with this name below the network: its label or place. */
static const char *member_text(const Explanation *x, const Chain *chain, const char *name, size_t length) {
    for (int i = 0; i < chain->count; i++) {
        const Expr *member = chain->members[i];
        const char *own = member->kind == EXPR_LABEL ? member->name : arena_printf(x->arena, "%d", i);
        if (strlen(own) == length && strncmp(own, name, length) == 0) return source_slice(x->arena, member->span);
    }
    return "";
}

/* "[64, 8, 8]", of each frame "3 x [64, 8, 8]". */
static const char *result_text(const Explanation *x, const Layer *layer) {
    const char *shape = shape_text(x->arena, layer->shape);
    return layer->frames > 1 ? arena_printf(x->arena, "%lld x %s", (long long)layer->frames, shape) : shape;
}

static void put_row(const Explanation *x, const char *name, const char *kind, const char *shape, Cost cost, FILE *out) {
    fprintf(out, "    %-28s %-16s %-18s %14s %14s\n", name, kind, shape, cost.parameters ? count_text(x->arena, cost.parameters) : "",
            cost.flops ? flops_text(x->arena, cost.flops) : "");
}

/* Layers, with a sum for each member of the chain that has several. */
static void put_network(const Explanation *x, const char *title, const Network *network, const Chain *chain, FILE *out) {
    fprintf(out, "  %s\n", title);
    for (int i = 0; i < network->layers.count; i++) {
        const Layer *layer = &network->layers.items[i];
        const char  *name = layer->name ? layer->name : "";
        size_t length = strcspn(name, ".");
        Cost   own = {1, layer_parameters(x->program, layer), layer->flops};
        put_row(x, name, layer_name(layer->kind), result_text(x, layer), own, out);
        const char *next = i + 1 < network->layers.count && network->layers.items[i + 1].name ? network->layers.items[i + 1].name : "";
        int ends = strncmp(next, name, length) != 0 || (next[length] != '.' && next[length]);
        Cost sum = network_cost(x->program, network, name, length);
        if (chain->count > 1 && length && ends && sum.layers > 1)
            put_row(x, arena_printf(x->arena, "%.*s in all", (int)length, name), member_text(x, chain, name, length), result_text(x, layer), sum, out);
    }
    Cost all = network_cost(x->program, network, NULL, 0);
    put_row(x, "in all", "", shape_text(x->arena, network->output), all, out);
}

/* What a file holds is known when it is read. */
static const char *step_shape(const Explanation *x, Shape shape) {
    return shape.rank ? shape_text(x->arena, shape) : "any";
}

static void put_modality(const Explanation *x, const Modality *modality, FILE *out) {
    static const Chain none;
    const Program *program = x->program;
    Chain chain = {0};
    const Expr *written = written_encoder(x, modality->name);
    if (written && !is_overridden(x, arena_printf(x->arena, "modality.%s.encoder", modality->name))) flatten(written, &chain);
    fprintf(out, "\nmodality %s : %s   from %s.%s\n", modality->name, modality->type_text, program->sources.items[modality->source].name, modality->field);
    if (modality->doc) fprintf(out, "  # %.*s\n", (int)strcspn(modality->doc, "\n"), modality->doc);
    for (int i = 0; i < modality->steps.count; i++) {
        const TransformStep *step = &modality->steps.items[i];
        fprintf(out, "  %s %-25s %s to %s\n", i ? "     " : "input", step->name, step_shape(x, step->in), step_shape(x, step->out));
    }
    put_network(x, written && chain.count ? arena_printf(x->arena, "encoder = %s", source_slice(x->arena, written->span)) : "encoder", &modality->encoder, &chain, out);
    if (modality->head.layers.count) put_network(x, "head", &modality->head, &none, out);
}

/* ---- Stages ---- */

static void put_step(const Explanation *x, const char *what, const Step *step, int64_t batch, FILE *out) {
    StepSummary s = step_summary(step);
    int threads = thread_count();
    int64_t bytes = s.fixed_bytes + batch * s.sample_bytes + threads * s.thread_bytes;
    fprintf(out, "  %-10s %s at batch %lld and %d threads (%s + %s a sample + %s a thread), %s a sample\n", what,
            bytes_text(x->arena, bytes), (long long)batch, threads, bytes_text(x->arena, s.fixed_bytes), bytes_text(x->arena, s.sample_bytes),
            bytes_text(x->arena, s.thread_bytes), flops_text(x->arena, s.flops));
    for (int r = 0; r < step->regions.count; r++) {
        fprintf(out, "  %-10s ", r ? "" : "branches");
        branches_print(step, &step->regions.items[r], threads, out);
    }
    if (step->train) fprintf(out, "  %-10s %s parameters\n", "trains", count_text(x->arena, s.parameters));
}

/* What soft assignments of a modality refer to. */
static void put_clusters(const Explanation *x, const Clustering *c, FILE *out) {
    fprintf(out, "  %-10s %s: %lld clusters of %s features", "soft", x->program->modalities.items[c->modality].name, (long long)c->bins,
            c->normalize ? "normalised" : "plain");
    if (c->components) fprintf(out, " on %lld components", (long long)c->components);
    if (c->probe) fputs(", the probe's; fitted at the first epoch if it has not run by then\n", out);
    else fprintf(out, ", fitted before epochs 1, %lld, %lld … on %s train samples\n", (long long)(1 + c->every), (long long)(1 + 2 * c->every),
                 c->samples < 0 ? "all" : count_text(x->arena, c->samples));
}

static void put_stage(const Explanation *x, const Ir *ir, int index, FILE *out) {
    const Stage *stage = &x->program->stages.items[index];
    int64_t batch = setting_int(x, arena_printf(x->arena, "%s.batch", stage->path), 1);
    fprintf(out, "\nstage %s (%s)\n", stage->name, stage->kind == STAGE_JOINT ? "joint" : "unimodal");
    if (stage->policy) fprintf(out, "  %-10s %s   %s\n", "policy", stage->policy->name, span_line_text(x->arena, stage->policy->span));
    if (stage->method) fprintf(out, "  %-10s %s   %s\n", "method", stage->method->name, span_line_text(x->arena, stage->method->span));
    for (int i = 0; i < x->program->clusterings.count; i++)
        if (x->program->clusterings.items[i].stage == stage->path) put_clusters(x, &x->program->clusterings.items[i], out);
    if (ir->train[index] >= 0) put_step(x, "step", ir->steps.items[ir->train[index]], batch, out);
    if (ir->evaluate[index] >= 0) put_step(x, "evaluation", ir->steps.items[ir->evaluate[index]], batch, out);
}

/* ---- Kernels ---- */

/* The chosen one, then what the others would take, and what the numbers are. */
static void put_choice(const Explanation *x, const char *prefix, const Layer *layer, FILE *out) {
    KernelChoice choice = kernel_choice(layer->attr, x->host);
    const KernelTime *time = choice.measured;
    double numbers[ALGORITHMS], frames = (double)layer->frames;
    for (int k = 0; k < ALGORITHMS; k++) numbers[k] = time && choice.cycles[k] < INFINITY ? kernel_seconds(time, (Algorithm)k) : choice.cycles[k];
    double chosen = numbers[choice.algorithm];
    fprintf(out, "    %-38s %-10s %8.3f %s", *layer->name ? arena_printf(x->arena, "%s.%s", prefix, layer->name) : prefix,
            algorithm_name(choice.algorithm), frames * chosen * (time ? 1e3 : 1e-6), time ? "ms measured" : "M");
    for (int k = 0; k < ALGORITHMS; k++)
        if (k != (int)choice.algorithm && numbers[k] < INFINITY)
            fprintf(out, ", %s %.*f times that", algorithm_name((Algorithm)k), time ? 2 : 1, numbers[k] / chosen);
    if (choice.algorithm != choice.estimated) fprintf(out, "; by the estimates it would be %s", algorithm_name(choice.estimated));
    fputc('\n', out);
}

static void put_kernels(const Explanation *x, FILE *out) {
    const Program *program = x->program;
    const Layer *layer;
    int any = 0;
    for (int m = 0; m < program->modalities.count; m++) {
        const Modality *modality = &program->modalities.items[m];
        for (int at = 0; (layer = next_convolution(&modality->encoder, &at));) {
            if (!any++)
                fprintf(out, "\nkernels of convolutions on vectors of %d floats: the one of the fewest estimated cycles of a core a sample, forward;\n"
                             "where --tune measured, of the least time of a core a sample, forward and backward (if by 10 %%)\n",
                        x->host.block);
            put_choice(x, arena_printf(x->arena, "encoder.%s", modality->name), layer, out);
        }
    }
}

static void put_unset(const Explanation *x, FILE *out) {
    for (int i = 0; i < x->program->unset.count; i++)
        fprintf(out, "%s  %s\n", i ? "" : "\nwithout a value (written in the program, or by mmlc --set PATH=VALUE)\n", x->program->unset.items[i]);
}

void explain_text(const Explanation *x, FILE *out) {
    static const Chain none;
    const Program *program = x->program;
    Ir *ir = ir_build(x->arena, program, x->host);
    fprintf(out, "%s, from %s\n", program->name, program->source->path);
    put_settings(x, 1, "params (the trainer's --NAME VALUE; fixed ones mmlc's -D NAME=VALUE)", out);
    put_settings(x, 0, "settings (--set PATH=VALUE)", out);
    put_unset(x, out);
    for (int i = 0; i < program->modalities.count; i++) put_modality(x, &program->modalities.items[i], out);
    fprintf(out, "\ntarget %s : class[%lld]   from %s.%s\n", program->target.name, (long long)program->target.classes,
            program->sources.items[program->target.source].name, program->target.field);
    if (program->has_fusion) {
        fputs("\nfusion\n", out);
        put_network(x, "of the modalities' features", &program->fusion, &none, out);
    }
    for (int i = 0; i < program->stages.count; i++) put_stage(x, ir, i, out);
    put_kernels(x, out);
    int64_t total = 0;
    for (int i = 0; i < program->parameters.count; i++) total += program->parameters.items[i].count;
    fprintf(out, "\n%s parameters in all, %s; as much again for gradients\n", count_text(x->arena, total), bytes_text(x->arena, total * 4));
}
