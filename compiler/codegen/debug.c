/* DWARF for -g: gdb breaks and steps in the lines of .mml files. Every function of
 * the module is a subprogram of the definition it comes from. */
#include <string.h>
#include <unistd.h>
#include "codegen/gen.h"

static LLVMMetadataRef file_of(Gen *g, const Source *source) {
    for (int i = 0; i < g->debug_files.count; i++)
        if (g->debug_files.items[i].source == source) return g->debug_files.items[i].file;
    const char *path = source ? source->path : g->program->file;
    char folder[4096];
    if (!getcwd(folder, sizeof folder)) strcpy(folder, ".");
    LLVMMetadataRef file = LLVMDIBuilderCreateFile(g->debug, path, strlen(path), folder, strlen(folder));
    VECTOR_PUSH(g->arena, &g->debug_files, ((DebugFile){source, file}));
    return file;
}

void debug_begin(Gen *g) {
    if (!g->options->debug) return;
    g->debug = LLVMCreateDIBuilder(g->module);
    const char *compiler = g->options->compiler ? g->options->compiler : "";
    g->debug_unit = LLVMDIBuilderCreateCompileUnit(g->debug, LLVMDWARFSourceLanguageC, file_of(g, g->program->source), compiler, strlen(compiler),
                                                   g->options->optimize > 0, "", 0, 0, "", 0, LLVMDWARFEmissionFull, 0, 0, 0, "", 0, "", 0);
    g->debug_function_type = LLVMDIBuilderCreateSubroutineType(g->debug, file_of(g, g->program->source), NULL, 0, LLVMDIFlagZero);
    static const struct { const char *name; unsigned value; } flags[] = {{"Debug Info Version", 3}, {"Dwarf Version", 5}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        LLVMAddModuleFlag(g->module, LLVMModuleFlagBehaviorWarning, flags[i].name, strlen(flags[i].name),
                          LLVMValueAsMetadata(LLVMConstInt(g->i32, flags[i].value, 0)));
}

static void place(Span span, unsigned *line, unsigned *column) {
    int l = 0, c = 0;
    if (span.source) source_position(span.source, span.begin, &l, &c);
    *line   = (unsigned)l;
    *column = (unsigned)c;
}

void debug_function(Gen *g, LLVMValueRef function, const char *name, Span span) {
    if (!g->debug) return;
    unsigned line, column;
    place(span, &line, &column);
    LLVMMetadataRef file = file_of(g, span.source ? span.source : g->program->source);
    g->debug_scope = LLVMDIBuilderCreateFunction(g->debug, file, name, strlen(name), "", 0, file, line, g->debug_function_type, 1, 1, line,
                                                 LLVMDIFlagZero, g->options->optimize > 0);
    g->debug_source = span.source ? span.source : g->program->source;
    LLVMSetSubprogram(function, g->debug_scope);
    LLVMSetCurrentDebugLocation2(g->builder, LLVMDIBuilderCreateDebugLocation(g->context, line, column, g->debug_scope, NULL));
}

/* A function is of one file: what comes from another keeps the line before. */
void debug_at(Gen *g, Span span) {
    if (!g->debug || !g->debug_scope || span.source != g->debug_source) return;
    unsigned line, column;
    place(span, &line, &column);
    LLVMSetCurrentDebugLocation2(g->builder, LLVMDIBuilderCreateDebugLocation(g->context, line, column, g->debug_scope, NULL));
}

void debug_nowhere(Gen *g) {
    if (!g->debug) return;
    g->debug_scope = NULL;
    LLVMSetCurrentDebugLocation2(g->builder, NULL);
}

void debug_end(Gen *g) {
    if (!g->debug) return;
    LLVMDIBuilderFinalize(g->debug);
    LLVMDisposeDIBuilder(g->debug);
}
