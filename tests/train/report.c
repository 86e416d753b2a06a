/* report.html: one page from the four files of a run. */
#include "toy.h"

#include "train/files.h"
#include "train/report.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char path[512];

static const char *in_folder(const char *folder, const char *name) {
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *folder, const char *name, const char *text) {
    cr_assert_eq(mml_replace_file(in_folder(folder, name), text, strlen(text)), MML_OK, "%s", mml_message());
}

static const char run_json[] =
    "{\"experiment\": \"a<b>&\\\"c\", \"file\": \"x.mml\", \"seed\": 3, \"threads\": 2, \"started\": \"2026\", \"data\": {\"description\": \"10 train\", \"classes\": [\"cat\", \"<dog>\"]},"
    " \"settings\": {\"train.seed\": {\"value\": \"3\", \"origin\": \"x.mml:4\"}}, \"program\": \"if a < b { }\", \"hash\": \"00ff\"}";
static const char summary_json[] =
    "{\"accuracy\": 0.5, \"head\": {\"gray\": 0.75, \"color\": null}, \"best\": {\"accuracy\": null},"
    " \"stages\": [{\"name\": \"first\", \"epochs\": 2, \"reason\": \"r\"}, {\"name\": \"second\", \"epochs\": 1, \"reason\": \"r\"}],"
    " \"confusion\": [[3, 1], [0, 4]], \"per_class\": [0.75, 1.0], \"seconds\": {\"data\": 1, \"train\": 2, \"probe\": 1, \"total\": 5}}";
static const char metrics[] =
    "{\"stage\": \"first\", \"epoch\": 1, \"split\": \"test\", \"accuracy\": null, \"head\": {\"gray\": 0.5, \"color\": 0.25}, \"active\": [\"gray\", \"color\"]}\n"
    "{\"stage\": \"first\", \"epoch\": 2, \"split\": \"test\", \"accuracy\": null, \"head\": {\"gray\": 0.75, \"color\": null}, \"active\": [\"gray\"]}\n"
    "{\"stage\": \"second\", \"epoch\": 1, \"split\": \"test\", \"accuracy\": 0.5, \"head\": {\"gray\": 0.75, \"color\": 0.25}, \"active\": [\"gray\", \"color\"]}\n";
static const char probes[] =
    "{\"stage\": \"first\", \"epoch\": 2, \"redundancy\": 0.4, \"unique\": {\"gray\": 0.1, \"color\": 0.2}, \"synergy\": 0.3, \"synergy_plugin\": 0.35,"
    " \"synergy_error\": 0.01, \"total\": 1.0, \"decision\": {\"actions\": [\"only(gray)\"], \"finish\": null, \"say\": []}}\n"
    "{\"stage\": \"first\", \"epoch\": 3, \"redundancy\": 0.4, \"unique\": {\"gray\": 0.1, \"color\": 0.2}, \"synergy\": 0.2, \"synergy_plugin\": 0.35,"
    " \"synergy_error\": null, \"total\": 1.0, \"decision\": {\"actions\": [], \"finish\": \"it <fell>\", \"say\": []}}\n"
    "{\"stage\": \"first\", \"ep";

static char *page_of(const char *probe_lines) {
    const char *folder = toy_folder();
    char *page;
    size_t size;
    put(folder, "run.json", run_json);
    put(folder, "summary.json", summary_json);
    put(folder, "metrics.jsonl", metrics);
    put(folder, "probes.jsonl", probe_lines);
    cr_assert_eq(mml_report_write(folder), MML_OK, "%s", mml_message());
    cr_assert_eq(mml_read_file(in_folder(folder, "report.html"), &page, &size), MML_OK);
    cr_assert_eq(strlen(page), size);
    toy_remove(folder);
    return page;
}

static int count(const char *page, const char *what) {
    int found = 0;
    for (const char *at = page; (at = strstr(at, what)); at++) found++;
    return found;
}

/* Every element that is opened is closed, in order. */
static void assert_well_formed(const char *page) {
    static const char *const empty[] = {"!doctype", "meta", "line", "circle", "path", "rect"};
    char open[64][16];
    int depth = 0;
    for (const char *at = page; (at = strchr(at, '<')); at++) {
        char name[16] = "";
        const char *end = strchr(at, '>');
        cr_assert_not_null(end);
        sscanf(at + 1 + (at[1] == '/'), "%15[a-z!0-9]", name);
        int single = end[-1] == '/';
        for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) single |= !strcmp(name, empty[i]) && (i < 2 || end[-1] == '/');
        if (single) continue;
        if (at[1] == '/') {
            cr_assert(depth > 0 && !strcmp(open[depth - 1], name), "</%s> closes <%s>", name, depth ? open[depth - 1] : "");
            depth--;
        } else {
            cr_assert_lt(depth, 64);
            strcpy(open[depth++], name);
        }
    }
    cr_assert_eq(depth, 0);
}

Test(report, needs_nothing_from_elsewhere_and_runs_no_script) {
    char *page = page_of(probes);
    cr_assert_null(strstr(page, "http"));
    cr_assert_null(strstr(page, "<script"));
    cr_assert_null(strstr(page, "<link"));
    cr_assert_null(strstr(page, "url("));
    free(page);
}

Test(report, closes_every_element) {
    char *page = page_of(probes);
    assert_well_formed(page);
    free(page);
}

Test(report, escapes_what_the_program_calls_things) {
    char *page = page_of(probes);
    cr_assert_not_null(strstr(page, "<h1>a&lt;b&gt;&amp;&quot;c</h1>"));
    cr_assert_not_null(strstr(page, "if a &lt; b { }"));
    cr_assert_not_null(strstr(page, "it &lt;fell&gt;"));
    cr_assert_null(strstr(page, "<fell>"));
    free(page);
}

Test(report, marks_each_decision_with_what_was_decided) {
    char *page = page_of(probes);
    cr_assert_eq(count(page, "<g class=\"mark\">"), 4, "two decisions, drawn for wide and narrow screens");
    cr_assert_not_null(strstr(page, "only(gray)"));
    cr_assert_not_null(strstr(page, "ends the stage: it &lt;fell&gt;"));
    free(page);
}

Test(report, leaves_a_line_that_a_kill_cut_out_of_the_table) {
    char *page = page_of(probes);
    cr_assert_eq(count(page, "<td>first</td>"), 2);
    free(page);
}

Test(report, shows_no_decomposition_of_a_run_without_probes) {
    char *page = page_of("");
    cr_assert_null(strstr(page, "Information about the target"));
    assert_well_formed(page);
    free(page);
}

/* gray: three epochs in one stretch; color: two stretches. For wide and narrow screens. */
Test(report, lights_the_epochs_in_which_a_modality_was_trained) {
    char *page = page_of("");
    cr_assert_eq(count(page, "<rect class=\"fill s0\""), 2);
    cr_assert_eq(count(page, "<rect class=\"fill s1\""), 4);
    free(page);
}

Test(report, shows_shares_of_the_confusion_matrix_by_row) {
    char *page = page_of("");
    cr_assert_not_null(strstr(page, "<td class=\"right\" style=\"--share:0.750\">3</td><td style=\"--share:0.250\">1</td><td class=\"number\">75.0 %</td>"));
    free(page);
}

Test(report, names_the_classes_of_the_confusion_matrix) {
    char *page = page_of("");
    cr_assert_not_null(strstr(page, "<th class=\"number\">cat</th><th class=\"number\">&lt;dog&gt;</th>"));
    cr_assert_not_null(strstr(page, "<tr><th class=\"number\">cat</th><td class=\"right\""));
    free(page);
}

Test(report, says_which_file_is_missing) {
    const char *folder = toy_folder();
    put(folder, "run.json", run_json);
    cr_assert_eq(mml_report_write(folder), MML_EDATA);
    cr_assert_not_null(strstr(mml_message(), "summary.json"), "%s", mml_message());
    toy_remove(folder);
}

Test(report, replaces_bytes_that_are_no_utf_8) {
    const char *folder = toy_folder();
    put(folder, "run.json", run_json);
    put(folder, "summary.json", summary_json);
    put(folder, "metrics.jsonl", "{\"stage\": \"\xff\"}\n\xfe\n");
    put(folder, "probes.jsonl", "");
    cr_assert_eq(mml_report_write(folder), MML_OK, "%s", mml_message());
    toy_remove(folder);
}
