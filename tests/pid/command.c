/* `mmlc pid`, run as a program. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MMLC MML_BINARY_DIR "/compiler/mmlc"

static char folder[] = "/tmp/mml-pid-XXXXXX";

static void open_folder(void) { cr_assert_not_null(mkdtemp(folder)); }
static void close_folder(void) {
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(command, .init = open_folder, .fini = close_folder);

static int have_mmlc(void) {
    if (access(MMLC, X_OK) == 0) return 1;
    fprintf(stderr, "skipped: %s is not built\n", MMLC);
    return 0;
}

static void write_bytes(const char *name, const void *bytes, size_t size) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(bytes, 1, size, file) == size);
    fclose(file);
}

static void write_text(const char *name, const char *text) { write_bytes(name, text, strlen(text)); }

/* Runs `mmlc pid` in the folder; standard output and error together into text. Returns the exit code. */
static int run(const char *arguments, char *text, size_t room) {
    char command[512];
    snprintf(command, sizeof command, "cd %s && %s pid %s 2>&1", folder, MMLC, arguments);
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    size_t size = fread(text, 1, room - 1, pipe);
    text[size] = 0;
    while (fgetc(pipe) != EOF) continue;
    return WEXITSTATUS(pclose(pipe));
}

static json_t *run_json(const char *arguments) {
    static char text[1 << 20];
    int code = run(arguments, text, sizeof text);
    cr_assert_eq(code, 0, "%s: exit %d: %s", arguments, code, text);
    json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    cr_assert_not_null(line, "%s", text);
    return line;
}

static double number(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }
static double element(const json_t *object, const char *key, size_t i) {
    return json_number_value(json_array_get(json_object_get(object, key), i));
}

#define AND_JSON "[[[0.25,0],[0.25,0]],[[0.25,0],[0,0.25]]]"

static void assert_and(const char *arguments) {
    json_t *line = run_json(arguments);
    cr_assert_float_eq(number(line, "redundancy"), 0.31127812445913283, 1e-9, "%s", arguments);
    cr_assert_float_eq(element(line, "unique", 0), 0, 1e-9);
    cr_assert_float_eq(element(line, "unique", 1), 0, 1e-9);
    cr_assert_float_eq(number(line, "synergy"), 0.5, 1e-9);
    cr_assert_float_eq(element(line, "mutual", 1), 0.31127812445913283, 1e-12);
    cr_assert_float_eq(number(line, "total"), 0.8112781244591328, 1e-12);
    cr_assert_float_eq(number(line, "entropy"), 0.8112781244591328, 1e-12);
    cr_assert_leq(number(line, "gap"), 1e-9);
    json_decref(line);
}

Test(command, a_json_line_has_the_keys_of_the_contract_and_no_other) {
    static const char *const keys[] = {"name", "redundancy", "unique", "synergy", "mutual", "total", "entropy", "gap", "iterations", "seconds"};
    if (!have_mmlc()) return;
    write_text("and.json", "{\"P\": " AND_JSON "}");
    assert_and("and.json --json");
    assert_and("--json - < and.json");
    json_t *line = run_json("and.json --json");
    cr_assert_eq(json_object_size(line), sizeof keys / sizeof *keys);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) cr_assert_not_null(json_object_get(line, keys[k]), "%s", keys[k]);
    cr_assert_str_eq(json_string_value(json_object_get(line, "name")), "and");
    json_decref(line);
}

Test(command, a_list_gives_a_line_each_in_order) {
    if (!have_mmlc()) return;
    char text[4096];
    write_text("list.json", "[{\"name\": \"one\", \"P\": " AND_JSON "}, {\"counts\": [[[1, 0], [0, 1]], [[0, 1], [1, 0]]]}]");
    write_text("cases.json", "{\"cases\": [{\"name\": \"one\", \"P\": " AND_JSON "}, {\"name\": \"two\", \"P\": [[[1]]]}]}");
    cr_assert_eq(run("list.json --json", text, sizeof text), 0, "%s", text);
    cr_assert(strncmp(text, "{\"name\":\"one\"", 13) == 0 && strstr(text, "\n{\"name\":\"list[1]\""), "%s", text);
    cr_assert_eq(run("cases.json", text, sizeof text), 0);
    cr_assert(strstr(text, "\none ") && strstr(text, "\ntwo ") && strstr(text, "0.311278"), "%s", text);
}

Test(command, csv_counts_samples_of_any_values) {
    if (!have_mmlc()) return;
    write_text("plain.csv", "x1,x2,y\n0,0,0\n0,1,0\n1,0,0\n1,1,1\n");
    assert_and("plain.csv --json");
    write_text("any.csv", "\xEF\xBB\xBFY, X2 ,x1\r\nno, \"a,\"\"b\" ,-1.5\r\n\r\nno,c,-1.5\r\nno,\"a,\"\"b\",high\r\n\"yes\",c,high");
    assert_and("any.csv --json");
    write_text("named.csv", "audio,video,label\nu,p,0\nu,q,0\nv,p,0\nv,q,1\n");
    assert_and("named.csv --json");
    json_t *line = run_json("plain.csv --json --certificate");
    json_t *values = json_object_get(json_object_get(line, "values"), "x1");
    cr_assert_str_eq(json_string_value(json_array_get(values, 1)), "1");
    json_decref(line);
}

Test(command, csv_is_read_across_the_pieces_of_the_stream) {
    if (!have_mmlc()) return;
    char path[128];
    snprintf(path, sizeof path, "%s/long.csv", folder);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs("x1,x2,y\n", file);
    /* AND; rows of all lengths, so that every kind of character falls on a border of 2^18 bytes. */
    for (int i = 0; i < 160000; i++)
        fprintf(file, "%s%d,\"%d\",%s%d\r\n", i % 7 ? "" : " ", i >> 1 & 1, i & 1, i % 11 ? "" : "\t", (i & 3) == 3);
    fclose(file);
    assert_and("long.csv --json");
    assert_and("- --json < long.csv");
}

Test(command, values_that_were_never_binned_are_refused_by_their_number) {
    if (!have_mmlc()) return;
    char path[128], text[1024];
    snprintf(path, sizeof path, "%s/real.csv", folder);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs("x1,x2,y\n", file);
    for (int i = 0; i < 3000; i++) fprintf(file, "%d.5,%d.25,%d\n", i, 7 * i, i % 2);
    fclose(file);
    cr_assert_eq(run("real.csv", text, sizeof text), 3);
    cr_assert(strstr(text, "real.csv: x1, x2 and y have 3000, 3000 and 2 distinct values") &&
              strstr(text, "bin the values first"), "%s", text);
    cr_assert_eq(run("real.csv --bins 4 --json", text, sizeof text), 0, "%s", text);
    cr_assert_not(strstr(text, "warning"), "%s", text);
}

Test(command, bins_of_equal_count_hold_equal_numbers_together) {
    if (!have_mmlc()) return;
    /* x1: 1 1.0 1 2 3 4 5 6 in halves: the border is the number of rank 4, which is 3; x2 is text and stays. */
    write_text("few.csv", "x1,x2,y\n1,a,0\n1.0,a,0\n1,b,0\n2,b,0\n3,a,1\n4,a,1\n5,b,1\n6,b,1\n");
    json_t *line = run_json("few.csv --bins 2 --json --gradient"), *values = json_object_get(line, "values");
    cr_assert_eq(json_array_size(json_object_get(values, "x1")), 2);
    cr_assert_str_eq(json_string_value(json_array_get(json_object_get(values, "x1"), 0)), "1 … 2");
    cr_assert_str_eq(json_string_value(json_array_get(json_object_get(values, "x1"), 1)), "3 … 6");
    cr_assert_eq(json_array_size(json_object_get(values, "x2")), 2);
    cr_assert_float_eq(element(line, "unique", 0), 1, 1e-9);
    json_decref(line);
    /* Five of eight numbers are equal: of three bins two are left. */
    write_text("tied.csv", "x1,x2,y\n0,0,0\n0,0,0\n0,0,0\n0,0,0\n0,0,0\n1,0,1\n2,0,1\n3,0,1\n");
    line = run_json("tied.csv --bins 3 --json --gradient");
    values = json_object_get(line, "values");
    cr_assert_eq(json_array_size(json_object_get(values, "x1")), 2);
    cr_assert_str_eq(json_string_value(json_array_get(json_object_get(values, "x1"), 1)), "1 … 3");
    json_decref(line);
    char text[1024];
    write_text("mixed.csv", "x1,x2,y\n0.5,1,0\n1.5,1,0\nNA,1,0\n2.5,2,1\n");
    cr_assert_eq(run("mixed.csv --bins 2", text, sizeof text), 3);
    cr_assert(strstr(text, "mixed.csv: x1 has numbers and 'NA', which is none"), "%s", text);
    write_text("and.json", "{\"P\": " AND_JSON "}");
    cr_assert_eq(run("and.json --bins 3", text, sizeof text), 2);
    cr_assert(strstr(text, "--bins belongs to CSV"), "%s", text);
}

Test(command, results_that_cannot_be_written_are_one_error) {
    if (!have_mmlc()) return;
    char text[1024];
    write_text("and.json", "{\"P\": " AND_JSON "}");
    cr_assert_eq(run("and.json --json >/dev/full 2>error; code=$?; cat error; exit $code", text, sizeof text), 3);
    cr_assert(strstr(text, "cannot write the results") && strchr(text, '\n')[1] == 0, "%s", text);
    cr_assert_eq(run("and.json --certificate | head -n 1", text, sizeof text), 0);
    cr_assert(strncmp(text, "bits", 4) == 0 && !strstr(text, "mmlc"), "%s", text);
}

/* A header of any version, padded to 64 bytes as NumPy does. */
static size_t npy_of(int version, char *out, const char *type, int fortran, const char *shape) {
    char header[256];
    int begin = version == 1 ? 10 : 12;
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", type,
                          fortran ? "True" : "False", shape);
    int padded = (length + 1 + begin + 63) / 64 * 64 - begin;
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (char)version;
    out[7] = out[10] = out[11] = 0;
    out[8] = (char)(padded & 255);
    out[9] = (char)(padded >> 8);
    memset(out + begin, ' ', (size_t)padded);
    memcpy(out + begin, header, (size_t)length);
    out[begin + padded - 1] = '\n';
    return (size_t)(padded + begin);
}

Test(command, npy_of_every_version_is_read_and_what_is_none_is_refused) {
    static const double and[] = {.25, 0, .25, 0, .25, 0, 0, .25};
    static const struct { const char *type, *shape, *message; } bad[] = {
        {"|O", "(2, 2, 2)", "type '|O' are not read"}, {"<c16", "(2, 2, 2)", "type '<c16'"}, {"<f8", "(2, 4)", "rank 2"},
        {"<f8", "(2, 2, 0)", "the array is empty"}, {"<f8", "(2, 2, 3)", "64 bytes of values where the shape needs 96"},
        {"<f8", "(3000, 3000, 2)", "3000 x 3000 x 2 cells"}, {"<f8", "(2, -2, 2)", "damaged .npy header"},
    };
    char bytes[512], text[1024];
    if (!have_mmlc()) return;
    for (int version = 1; version <= 3; version++) {
        size_t at = npy_of(version, bytes, "<f8", 0, "(2, 2, 2)");
        memcpy(bytes + at, and, sizeof and);
        write_bytes("v.npy", bytes, at + sizeof and);
        assert_and("v.npy --json");
    }
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        size_t at = npy_of(1, bytes, bad[b].type, 0, bad[b].shape);
        memcpy(bytes + at, and, sizeof and);
        write_bytes("bad.npy", bytes, at + sizeof and);
        cr_assert_eq(run("bad.npy --json", text, sizeof text), 3, "%s", text);
        cr_assert(strstr(text, bad[b].message), "%s: %s", bad[b].message, text);
    }
    npy_of(9, bytes, "<f8", 0, "(2, 2, 2)");
    write_bytes("bad.npy", bytes, 200);
    cr_assert_eq(run("bad.npy --json", text, sizeof text), 3, "%s", text);
    cr_assert(strstr(text, "version 9"), "%s", text);
}

static size_t npy(char *out, const char *type, int fortran, const char *shape) { return npy_of(1, out, type, fortran, shape); }

Test(command, npy_arrays_are_read_in_every_order_and_type) {
    static const double and[] = {.25, 0, .25, 0, .25, 0, 0, .25};
    char bytes[512];
    if (!have_mmlc()) return;
    size_t at = npy(bytes, "<f8", 0, "(2, 2, 2)");
    memcpy(bytes + at, and, sizeof and);
    write_bytes("f8.npy", bytes, at + sizeof and);
    assert_and("f8.npy --json");

    /* AND looks the same in both orders; x1 alone decides y here: U1 = 1. */
    at = npy(bytes, "<f4", 1, "(2, 2, 2)");
    float single[8] = {0};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) single[i + 2 * (j + 2 * i)] = 3;
    memcpy(bytes + at, single, sizeof single);
    write_bytes("f4.npy", bytes, at + sizeof single);
    json_t *line = run_json("f4.npy --json");
    cr_assert_float_eq(element(line, "unique", 0), 1, 1e-9);
    cr_assert_float_eq(element(line, "unique", 1), 0, 1e-9);
    json_decref(line);

    at = npy(bytes, ">i2", 0, "(2, 2, 2)");
    for (int c = 0; c < 8; c++) {
        bytes[at + 2 * (size_t)c] = 0;
        bytes[at + 2 * (size_t)c + 1] = (char)(and[c] * 400);
    }
    write_bytes("i2.npy", bytes, at + 16);
    assert_and("i2.npy --json");

    at = npy(bytes, "|i1", 0, "(1, 1, 2)");
    memcpy(bytes + at, "\x01\xff", 2);
    write_bytes("negative.npy", bytes, at + 2);
    char text[512];
    cr_assert_eq(run("negative.npy", text, sizeof text), 3);
    cr_assert(strstr(text, "P[0][0][1] is -1"), "%s", text);
}

/* Recomputes what the certificate proves from nothing but the printed line. */
Test(command, the_printed_certificate_proves_the_answer) {
    if (!have_mmlc()) return;
    write_text("t.json", "{\"counts\": [[[3, 1, 0], [0, 2, 5]], [[1, 1, 4], [2, 0, 0]], [[0, 7, 1], [1, 0, 2]]]}");
    json_t *line = run_json("t.json --json --certificate");
    double p[3][2][3], q[3][2][3], a[3][3], b[2][3];
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 2; j++)
            for (size_t y = 0; y < 3; y++) {
                p[i][j][y] = json_number_value(json_array_get(json_array_get(json_array_get(json_object_get(line, "P"), i), j), y));
                q[i][j][y] = json_number_value(json_array_get(json_array_get(json_array_get(json_object_get(line, "q"), i), j), y));
                a[i][y] = json_number_value(json_array_get(json_array_get(json_object_get(line, "a"), i), y));
                b[j][y] = json_number_value(json_array_get(json_array_get(json_object_get(line, "b"), j), y));
            }
    double primal = 0, dual = 0, sum = 0, off1[3][3] = {{0}}, off2[2][3] = {{0}}, total = 0, label[3] = {0};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++) {
            double mass = 0, inside = 0, all = 0;
            for (int y = 0; y < 3; y++) {
                mass += q[i][j][y];
                all += p[i][j][y];
                inside += exp(a[i][y] + b[j][y]);
                off1[i][y] += q[i][j][y] - p[i][j][y];
                off2[j][y] += q[i][j][y] - p[i][j][y];
                dual += p[i][j][y] * (a[i][y] + b[j][y]);
                label[y] += p[i][j][y];
            }
            cr_assert_leq(inside, 1 + 1e-15);
            for (int y = 0; y < 3; y++) {
                if (q[i][j][y] > 0) primal += q[i][j][y] * log(q[i][j][y] / mass);
                if (p[i][j][y] > 0) total += p[i][j][y] * log2(p[i][j][y] / all);
                sum += p[i][j][y];
            }
        }
    for (int y = 0; y < 3; y++) {
        total -= label[y] * log2(label[y]);
        for (int i = 0; i < 3; i++) cr_assert_float_eq(off1[i][y], 0, 1e-13);
        for (int j = 0; j < 2; j++) cr_assert_float_eq(off2[j][y], 0, 1e-13);
    }
    cr_assert_float_eq(sum, 1, 1e-13);
    cr_assert_leq((primal - dual) / log(2), 1e-9);
    cr_assert_float_eq(number(line, "total"), total, 1e-12);
    double entropy = number(line, "entropy");
    cr_assert_float_eq(number(line, "synergy"), total - entropy - (primal + dual) / 2 / log(2), 1e-9);
    json_decref(line);
}

Test(command, gradient_has_four_tables_of_the_distributions_shape) {
    if (!have_mmlc()) return;
    write_text("and.json", "{\"P\": " AND_JSON "}");
    json_t *line = run_json("and.json --json --gradient"), *gradient = json_object_get(line, "gradient");
    const json_t *synergy = json_object_get(gradient, "synergy");
    cr_assert_eq(json_array_size(json_object_get(gradient, "unique")), 2);
    cr_assert_not_null(json_object_get(gradient, "redundancy"));
    /* S = H(Y | X1, X2) of q* less 0: raising P(0,0,0) takes from it what raising P(1,1,1) adds. */
    cr_assert_float_eq(json_number_value(json_array_get(json_array_get(json_array_get(synergy, 0), 0), 0)), -0.5, 1e-6);
    cr_assert_float_eq(json_number_value(json_array_get(json_array_get(json_array_get(synergy, 1), 1), 1)), 0.5, 1e-6);
    json_decref(line);
}

Test(command, adam_has_no_gap_and_tells_its_residual) {
    if (!have_mmlc()) return;
    write_text("and.json", "{\"P\": " AND_JSON "}");
    json_t *line = run_json("and.json --json --solver adam");
    cr_assert_float_eq(number(line, "redundancy"), 0.3079, 5e-5);
    cr_assert(json_is_null(json_object_get(line, "gap")));
    cr_assert_gt(number(line, "residual"), 1e-3);
    json_decref(line);
}

Test(command, counts_have_estimates_beside_the_atoms_and_probabilities_none) {
    if (!have_mmlc()) return;
    write_text("xor.json", "{\"counts\": [[[30, 0], [0, 30]], [[0, 30], [30, 0]]]}");
    json_t *line = run_json("xor.json --json");
    cr_assert_eq(json_integer_value(json_object_get(line, "samples")), 120);
    cr_assert_float_eq(number(line, "synergy_adjusted"), 1, 1e-9);             /* all that is left is filled */
    cr_assert(!json_object_get(line, "null") && !json_object_get(line, "bootstrap") && !json_object_get(line, "halved"));
    json_decref(line);

    line = run_json("xor.json --json --null 99 --bootstrap 20 --halved --seed 3 --threads 1");
    json_t *again = run_json("xor.json --json --null 99 --bootstrap 20 --halved --seed 3 --threads 2");
    const json_t *null = json_object_get(line, "null"), *bootstrap = json_object_get(line, "bootstrap");
    cr_assert_float_eq(number(null, "p"), 0.01, 1e-12);
    cr_assert_lt(number(null, "quantile"), 0.2);
    cr_assert(element(bootstrap, "synergy", 0) <= 1 && element(bootstrap, "synergy", 1) >= 1 - 1e-9);
    cr_assert_eq(json_array_size(json_object_get(bootstrap, "unique")), 2);
    cr_assert_float_eq(number(json_object_get(line, "halved"), "redundancy"), 0, 0.1);
    static const char *const same[] = {"null", "bootstrap", "halved", "synergy_adjusted"};
    for (size_t k = 0; k < sizeof same / sizeof *same; k++)
        cr_assert(json_equal(json_object_get(line, same[k]), json_object_get(again, same[k])), "%s", same[k]);
    json_decref(line);
    json_decref(again);

    static const char *const options[] = {"--null 9", "--bootstrap 9", "--halved"};
    write_text("and.json", "{\"P\": " AND_JSON "}");
    char text[4096], arguments[64];
    for (size_t o = 0; o < 3; o++) {
        snprintf(arguments, sizeof arguments, "and.json %s", options[o]);
        cr_assert_eq(run(arguments, text, sizeof text), 2, "%s", text);
        cr_assert(strstr(text, "holds probabilities") && strstr(text, "\"counts\"") && strchr(text, '\n')[1] == 0, "%s", text);
    }
    cr_assert_eq(run("and.json --seed 1", text, sizeof text), 2);
    cr_assert_eq(run("xor.json --null 99 --bootstrap 20 --halved", text, sizeof text), 0);
    cr_assert(strstr(text, "p = 0.01") && strstr(text, "95 % intervals") && strstr(text, "2 X(n)"), "%s", text);
}

Test(command, weights_that_do_not_sum_to_1_are_normalised_with_one_warning) {
    if (!have_mmlc()) return;
    char text[4096];
    write_text("two.json", "[{\"P\": [[[1]]]}, {\"P\": [[[0.5, 0.52]]]}, {\"P\": [[[3]]]}, {\"counts\": [[[3]]]}]");
    cr_assert_eq(run("two.json --json", text, sizeof text), 0);
    cr_assert(strstr(text, "P of two[1] sums to 1.02, not 1 (and 1 more); it is normalised"), "%s", text);
    write_text("digits.json", "{\"P\": [[[0.333333, 0.333333, 0.333333]]]}");
    cr_assert_eq(run("digits.json --json", text, sizeof text), 0);
    cr_assert_not(strstr(text, "warning"), "%s", text);
}

Test(command, counts_beyond_32_bits_are_exact) {
    if (!have_mmlc()) return;
    write_text("huge.json", "{\"counts\": [[[4294967296, 0], [4294967296, 0]], [[4294967296, 0], [0, 4294967296]]]}");
    assert_and("huge.json --json");
    json_t *line = run_json("huge.json --json --null 9");
    cr_assert_eq(json_integer_value(json_object_get(line, "samples")), 17179869184);
    json_decref(line);
}

Test(command, adam_without_convergence_says_so) {
    if (!have_mmlc()) return;
    char text[4096];
    write_text("and.json", "{\"P\": " AND_JSON "}");
    cr_assert_eq(run("and.json --json --solver adam --iterations 5", text, sizeof text), 0);
    cr_assert(strstr(text, "warning: and.json: and: adam ended after 5 iterations") && strstr(text, "\"converged\":false"), "%s", text);
    cr_assert_eq(run("and.json --json --solver adam", text, sizeof text), 0);
    cr_assert(!strstr(text, "warning") && strstr(text, "\"converged\":true"), "%s", text);
}

/* Three columns of XOR, whichever names they have. */
Test(command, a_last_column_called_label_class_or_target_is_the_label_whatever_the_others_are_called) {
    static const char *const headers[] = {"x,y,label", "y,x1,Class", "x2,y,target", "x1,x2,y", "a,b,c"};
    if (!have_mmlc()) return;
    for (size_t h = 0; h < sizeof headers / sizeof *headers; h++) {
        char file[128];
        snprintf(file, sizeof file, "%s\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n", headers[h]);
        write_text("xor.csv", file);
        json_t *line = run_json("xor.csv --json");
        cr_assert_float_eq(json_number_value(json_object_get(line, "synergy")), 1, 1e-8, "%s", headers[h]);
        json_decref(line);
    }
}

Test(command, bad_input_is_one_error_that_names_the_place) {
    static const struct { const char *text, *message; } bad[] = {
        {"{\"P\": [[[0.5, -0.5]]]}", "P[0][0][1] is -0.5"},
        {"{\"P\": [[[0.5, NaN]]]}", "bad:1:17"},
        {"{\"P\": [[[0, 0]]]}", "all weights of P are zero"},
        {"{\"P\": [[[1, 2], [3]]]}", "P[0][1] has 1 values where the first of its level has 2"},
        {"{\"P\": [[[1], [1]], [[1]]]}", "P[1] has 1 values"},
        {"{\"P\": [[1, 2]]}", "P[0][0] is a number"},
        {"{\"P\": [[[\"a\"]]]}", "P[0][0][0] is text"},
        {"{\"P\": []}", "P has 0 values"},
        {"{\"counts\": [[[1.5]]]}", "counts[0][0][0] is 1.5"},
        {"{\"counts\": [[[9007199254740992, 2]]]}", "at most 2^53 are exact"},
        {"{\"P\": [[[1e999]]]}", "bad:1:"},
        {"{\"p\": [[[1]]]}", "neither \"P\" nor \"counts\""},
        {"{\"cases\": [{\"P\": [[[1]]]}, {\"P\": [[[-1]]]}]}", "cases[1].P[0][0][0] is -1"},
        {"[]", "0 distributions"},
        {"{\"P\": [[[1]]]", "not JSON"},
        {"", "is empty"},
        {"x1,x2,y\n1,2\n", "bad:2: 2 values"},
        {"x1,x2,y\n1,2,3,4\n", "bad:2: 4 values"},
        {"x1,x2,y\n1,,3\n", "bad:2: x2 is empty"},
        {"x1,x2,y\n1,1,3\nnan,2,3\n", "bad:3: x1 is nan"},
        {"x1,x2,y\n", "no sample"},
        {"0,1,1\n1,0,1\n", "the header is missing"},
        {"x1,x2,y\n1,2,3\n1,-NaN,3\n", "bad:3: x2 is -NaN"},
        {"y,first,second\n1,2,3\n", "bad:1: column 1 is called y"},
        {"x1,x1,y\n1,2,3\n", "bad:1: column 2 is called x1"},
        {"x,y,z\n1,2,3\n", "bad:1: column 2 is called y; rename it, or name all three"},
        {"x1,x2,y\n\"1,2,3\n", "bad:2: a quoted value has no closing quote"},
        {"\x93NUMPY\x01", "damaged .npy header"},
    };
    if (!have_mmlc()) return;
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        char text[1024];
        write_text("bad", bad[b].text);
        cr_assert_eq(run("bad --json", text, sizeof text), 3, "%s: %s", bad[b].text, text);
        cr_assert(strstr(text, bad[b].message), "%s: %s", bad[b].text, text);
        cr_assert(strchr(text, '\n') == text + strlen(text) - 1, "one line: %s", text);
    }
    char text[1024];
    cr_assert_eq(run("absent.json", text, sizeof text), 3);
    cr_assert(strstr(text, "absent.json: No such file"), "%s", text);
}

Test(command, a_wrong_call_exits_with_2_and_names_the_nearest) {
    static const struct { const char *arguments, *message; } bad[] = {
        {"", "no file"},
        {"a.json b.json", "second"},
        {"a.json --solvr newton", "did you mean --solver?"},
        {"a.json --solver adm", "did you mean adam?"},
        {"a.json --solver", "needs a value"},
        {"a.json --json=1", "takes no value"},
        {"a.json --lr 0.1", "belongs to --solver adam"},
        {"a.json --solver adam --iterations 0", "--iterations takes a whole number from 1"},
        {"a.json --solver adam --lr x", "--lr takes a number"},
        {"a.json --solver adam --certificate", "needs --solver newton"},
        {"a.json --null 1", "--null takes a whole number from 2"},
        {"a.json --bootstrap some", "--bootstrap takes a whole number"},
        {"a.json --threads 2", "--threads belongs to --null or --bootstrap"},
    };
    if (!have_mmlc()) return;
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        char text[1024];
        cr_assert_eq(run(bad[b].arguments, text, sizeof text), 2, "%s: %s", bad[b].arguments, text);
        cr_assert(strstr(text, bad[b].message), "%s: %s", bad[b].arguments, text);
    }
}

Test(command, help_lists_every_option) {
    static const char *const options[] = {"--solver", "--json", "--certificate", "--gradient", "--iterations", "--lr", "--tolerance",
                                          "--relative", "--bins", "--null", "--bootstrap", "--halved", "--threads", "--sinkhorn", "--until",
                                          "--start", "--seed", "--help"};
    if (!have_mmlc()) return;
    char text[8192];
    cr_assert_eq(run("--help", text, sizeof text), 0);
    for (size_t o = 0; o < sizeof options / sizeof *options; o++) cr_assert(strstr(text, options[o]), "%s", options[o]);
}
