/* ir_print (ir.h): what --emit ir shows. */
#include "ir/ir.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include "ir/branches.h"
#include "ir/memory.h"
#include "ir/ops.h"

static void print_lower(const char *text, FILE *out) {
    for (; *text; text++) fputc(tolower((unsigned char)*text), out);
}

static void print_tensor(const Step *step, int t, FILE *out) {
    if (t < 0) {
        fputs("-", out);
        return;
    }
    const Tensor *tensor = &step->tensors.items[t];
    const Program *program = step->program;
    switch (tensor->store) {
    case STORE_INPUT:     fprintf(out, "input.%s", program->modalities.items[tensor->index].name); break;
    case STORE_STATISTIC: fprintf(out, "%s", program->statistics.items[tensor->index].name); break;
    case STORE_ARENA:
        if (tensor->alias >= 0 && tensor->producer < 0) fprintf(out, "stop(%%%d)", tensor->alias);
        else fprintf(out, "%%%d", t);
        break;
    case STORE_PARAMETER:
    case STORE_GRADIENT:
        if (tensor->store == STORE_GRADIENT) fputs("d:", out);
        if (tensor->index < 0) {
            fprintf(out, "[%" PRId64 ", %" PRId64 ")", tensor->first, tensor->first + tensor->size);
            break;
        }
        fprintf(out, "%s", program->parameters.items[tensor->index].name);
        if (tensor->first != program->parameters.items[tensor->index].offset)
            fprintf(out, "+%" PRId64, tensor->first - program->parameters.items[tensor->index].offset);
        break;
    }
}

static void print_place(const Step *step, int t, FILE *out) {
    const Tensor *tensor = &step->tensors.items[t];
    if (tensor->store != STORE_ARENA) return;
    fprintf(out, " %s%" PRId64 " @%" PRId64, tensor->fixed ? "" : "batch x ", tensor->size, tensor->offset);
    if (tensor->alias >= 0) fprintf(out, " of %%%d", memory_root(step, t));
}

/* A constant, or what is evaluated when it runs, as it stands in the source. */
static void print_number(const Node *node, FILE *out) {
    Span span = node->span;
    if (!node->value) fprintf(out, " %.9g", node->constant);
    else if (span.source) fprintf(out, " %.*s", (int)(span.end - span.begin), span.source->text + span.begin);
}

static void print_node(const Step *step, const Node *node, FILE *out) {
    static const char *const combinations[] = {"add", "sub", "mul", "div", "neg", "exp", "log"};
    fputs("  ", out);
    const char *separator = "";
    for (int i = 0; i < node->operand_count; i++) {
        if (node->operands[i] < 0 || !node_writes(node, i)) continue;
        fputs(separator, out);
        print_tensor(step, node->operands[i], out);
        print_place(step, node->operands[i], out);
        separator = ", ";
    }
    fputs(" = ", out);
    if (node->kernel != KERNEL_NONE) fputs(kernel_name(node->kernel), out);
    else print_lower(op_row(node->op)->name, out);
    for (int i = 0; i < node->operand_count; i++) {
        if (node_writes(node, i)) continue;
        fputc(' ', out);
        print_tensor(step, node->operands[i], out);
    }
    if (node->op == IR_NUMBER) print_number(node, out);
    if (node->op == IR_FIXED) fprintf(out, " {%s}", combinations[node->attributes[0].i]);
    if (node->kernel != KERNEL_NONE && node->attribute_count) {
        const char *form = op_row(node->op)->attributes;
        fputs(" {", out);
        for (int i = 0; i < node->attribute_count; i++) {
            if (i) fputc(' ', out);
            if (i == 1 && node->factor >= 0) print_tensor(step, node->factor, out);
            else if (*form != '*' && form[i] == 'r') fprintf(out, "%.9g", node->attributes[i].r);
            else fprintf(out, "%" PRId64, node->attributes[i].i);
        }
        fputc('}', out);
    }
    if (node->frames > 1) fprintf(out, " over %" PRId64 " frames", node->frames);
    if (node->guard != GUARD_NONE) fprintf(out, " if %s[%d]", node->guard == GUARD_FORWARD ? "forward" : "active", node->group);
    if (node->name) fprintf(out, "  # %s", node->name);
    fputc('\n', out);
}

/* Where a branch that may run beside others begins, and behind the last. */
static void print_branch(const Step *step, int n, FILE *out) {
    const Region *before = n > 0 ? branches_region(step, n - 1) : NULL, *region = branches_region(step, n);
    if (before && before != region) fputs("  join\n", out);
    for (int i = 0; region && i < region->model.count; i++)
        if (region->first[i] == n) fprintf(out, "  branch %s\n", step->program->modalities.items[region->model.branches[i].group].name);
}

static void print_result(const Step *step, const char *what, const char *of, int t, FILE *out) {
    if (t < 0) return;
    fprintf(out, "  %s%s%s = ", what, *of ? "." : "", of);
    print_tensor(step, t, out);
    fputc('\n', out);
}

void ir_print(const Ir *ir, FILE *out) {
    for (int s = 0; s < ir->steps.count; s++) {
        const Step *step = ir->steps.items[s];
        const Program *program = ir->program;
        fprintf(out, "%sstep %s\n  # arena %" PRId64 " + batch x %" PRId64 " bytes, scratch %" PRId64 " bytes a thread\n",
                s ? "\n" : "", step->name, step->fixed_bytes, step->sample_bytes, step->thread_bytes);
        for (int r = 0; r < step->regions.count; r++) {
            fprintf(out, "  # batch %" PRId64 ", 2 threads: ", step->batch);
            branches_print(step, &step->regions.items[r], 2, out);
        }
        for (int n = 0; n < step->nodes.count; n++) {
            print_branch(step, n, out);
            print_node(step, &step->nodes.items[n], out);
        }
        print_branch(step, step->nodes.count, out);
        for (int m = 0; m < program->modalities.count; m++) {
            print_result(step, "feature", program->modalities.items[m].name, step->features[m], out);
            print_result(step, "logits", program->modalities.items[m].name, step->logits[m], out);
            print_result(step, "loss", program->modalities.items[m].name, step->losses[m], out);
        }
        print_result(step, "logits", "", step->logits[program->modalities.count], out);
        print_result(step, "prediction", "", step->prediction, out);
        print_result(step, "loss", "", step->loss, out);
    }
}
