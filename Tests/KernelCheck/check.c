// Checks every set of kernels that the machine can run. The program is in C so that it can be built for another
// processor and run in an emulator without Swift. tools/check/kernels does this for arm64.
//
// The batched path must compute the same bits as the scalar path, and both must be close to the results in double
// precision.

#include "CKernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = SLUICE_KERNELS_WIDTH, LARGEST = 80, STEPS = 200 };

static const struct sluice_kernels *kernels;
static long checks, failures;

static void check(int holds, const char *what, long units, long step) {
    checks++;
    if (holds) return;
    failures++;
    if (failures <= 20) printf("%s: %s, %ld units, step %ld\n", kernels->name, what, units, step);
}

// Returns a value from -1 to 1. The sequence of values is the same in every run.
static float next_value(void) {
    static unsigned state = 1;
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (1 << 23) - 1;
}

static long padded(long count) { return (count + LANES - 1) / LANES * LANES; }

static float *zeros(long count) {
    float *p = aligned_alloc(64, (size_t)(padded(count) + LANES) * sizeof(float));
    if (!p) exit(70);
    memset(p, 0, (size_t)(padded(count) + LANES) * sizeof(float));
    return p;
}

// A matrix in several layouts: `values` is row-major; `vectors` is for the scalar path; `panels` is for the scalar path
// of a gated layer; `blocks` is for the batched path.
struct matrix {
    long rows, columns;
    float *values, *vectors, *panels, *blocks;
};

static float *in_blocks(const float *values, long rows, long columns, long filled, long width) {
    float *blocks = zeros(rows * filled), *end = blocks;
    for (long column = 0; column < filled; column += width) {
        while (column + width > filled) width /= 2;
        for (long row = 0; row < rows; row++)
            for (long k = column; k < column + width; k++) *end++ = k < columns ? values[row * columns + k] : 0;
    }
    return blocks;
}

static float *in_panels(const float *values, long rows, long gates, long units) {
    float *panels = zeros(kernels->panels(NULL, values, rows, gates, units));
    kernels->panels(panels, values, rows, gates, units);
    return panels;
}

static struct matrix random_matrix(long rows, long gates, long units, float range) {
    const long columns = gates * units;
    struct matrix m = {rows, columns, zeros(rows * columns), NULL, NULL, NULL};
    for (long k = 0; k < rows * columns; k++) m.values[k] = range * next_value();
    m.vectors = in_blocks(m.values, rows, columns, padded(columns), kernels->accumulators * LANES);
    m.panels = in_panels(m.values, rows, gates, units);
    m.blocks = in_blocks(m.values, rows, columns, columns, kernels->accumulators);
    return m;
}

static void release(struct matrix m) {
    free(m.values);
    free(m.vectors);
    free(m.panels);
    free(m.blocks);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

// Returns one column of b + x·W + h·U.
static double column(const float *b, const float *x, struct matrix w, const double *h, struct matrix u, long k) {
    double sum = b[k];
    for (long j = 0; j < w.rows; j++) sum += (double)x[j] * w.values[j * w.columns + k];
    for (long j = 0; j < u.rows; j++) sum += h[j] * u.values[j * u.columns + k];
    return sum;
}

// Compares one lane's state with the scalar path's state, bit for bit, and the scalar path's state with double
// precision.
static void compare(const float *tile, int lane, const float *alone, const double *exact, long count, long units, long step) {
    int same = 1, near = 1;
    for (long k = 0; k < count; k++) {
        same &= memcmp(&tile[k * LANES + lane], &alone[k], sizeof(float)) == 0;
        // Above 1, the tolerance is relative, because a cell state may be much larger.
        near &= fabs(alone[k] - exact[k]) <= 1e-5 * fmax(1, fabs(exact[k]));
    }
    check(same, "the batched path differs from the scalar path", units, step);
    check(near, "the scalar path differs from double precision", units, step);
}

// Returns an input. Most inputs are small. In 12 of every 50 timesteps, large inputs force gates open or shut for so
// long that cell states grow past the point where their tanh is 1.
static float next_input(long step, long k) {
    const float small = 2 * next_value();
    return step % 50 < 12 ? (k / 3 % 2 ? 60 : -60) + small : small;
}

static void check_lstm(long features, long units) {
    struct matrix w = random_matrix(features, 4, units, 1), u = random_matrix(units, 4, units, 1 / sqrtf((float)units));
    struct matrix bias = random_matrix(1, 4, units, 1);
    const float *b = bias.values;
    float *scratch = zeros(units), *tile = zeros(2 * units * LANES), *zs = zeros(4 * units * LANES);
    float *x = zeros(features), *xs = zeros(features * LANES), *alone[LANES];
    double exact[LANES][2 * LARGEST] = {{0}};
    for (int lane = 0; lane < LANES; lane++) alone[lane] = zeros(2 * units);
    for (long step = 0; step < STEPS; step++) {
        for (long k = 0; k < features * LANES; k++) xs[k] = next_input(step, k);
        kernels->affine_lanes(zs, b, xs, features, w.blocks, tile, units, u.blocks, 4 * units);
        kernels->lstm_lanes(tile, zs, units * LANES);
        for (int lane = 0; lane < LANES; lane++) {
            for (long k = 0; k < features; k++) x[k] = xs[k * LANES + lane];
            kernels->lstm(alone[lane], bias.panels, x, features, w.panels, u.panels, units, scratch);
            double *h = exact[lane], *c = h + units, next[LARGEST];
            for (long k = 0; k < units; k++) {
                double i = sigmoid(column(b, x, w, h, u, k)), f = sigmoid(column(b, x, w, h, u, units + k));
                double o = sigmoid(column(b, x, w, h, u, 3 * units + k));
                c[k] = f * c[k] + i * tanh(column(b, x, w, h, u, 2 * units + k));
                next[k] = o * tanh(c[k]);
            }
            memcpy(h, next, (size_t)units * sizeof(double));
            compare(tile, lane, alone[lane], h, 2 * units, units, step);
        }
    }
    for (int lane = 0; lane < LANES; lane++) free(alone[lane]);
    free(x), free(xs), free(scratch), free(tile), free(zs);
    release(w), release(u), release(bias);
}

static void check_gru(long features, long units) {
    struct matrix w = random_matrix(features, 3, units, 1), u = random_matrix(units, 3, units, 1 / sqrtf((float)units));
    struct matrix none = {0, 3 * units, NULL, NULL, NULL, NULL};
    struct matrix bias = random_matrix(1, 3, units, 1);
    const float *b = bias.values;
    float *scratch = zeros(units), *tile = zeros(units * LANES);
    float *as = zeros(3 * units * LANES), *rs = zeros(3 * units * LANES);
    float *x = zeros(features), *xs = zeros(features * LANES), *alone[LANES];
    double exact[LANES][LARGEST] = {{0}};
    for (int lane = 0; lane < LANES; lane++) alone[lane] = zeros(units);
    for (long step = 0; step < STEPS; step++) {
        for (long k = 0; k < features * LANES; k++) xs[k] = next_input(step, k);
        kernels->affine_lanes(as, b, xs, features, w.blocks, xs, 0, w.blocks, 3 * units);
        kernels->affine_lanes(rs, b, tile, units, u.blocks, xs, 0, u.blocks, 3 * units);
        kernels->gru_lanes(tile, as, rs, units * LANES);
        for (int lane = 0; lane < LANES; lane++) {
            for (long k = 0; k < features; k++) x[k] = xs[k * LANES + lane];
            kernels->gru(alone[lane], bias.panels, bias.panels, x, features, w.panels, u.panels, units, scratch);
            double *h = exact[lane], next[LARGEST];
            for (long k = 0; k < units; k++) {
                double in[3], state[3];
                for (int gate = 0; gate < 3; gate++) {
                    in[gate] = column(b, x, w, h, none, gate * units + k);
                    state[gate] = column(b, x, none, h, u, gate * units + k);
                }
                double update = sigmoid(in[0] + state[0]);
                next[k] = update * h[k] + (1 - update) * tanh(in[2] + sigmoid(in[1] + state[1]) * state[2]);
            }
            memcpy(h, next, (size_t)units * sizeof(double));
            compare(tile, lane, alone[lane], h, units, units, step);
        }
    }
    for (int lane = 0; lane < LANES; lane++) free(alone[lane]);
    free(x), free(xs), free(scratch), free(tile), free(as), free(rs);
    release(w), release(u), release(bias);
}

// Tests how the layer kernels detect a state that is not finite. The kernels must check each value, ignore the memory
// after the state, and agree with the batched path.
static void check_finite(long units) {
    struct matrix w = random_matrix(1, 4, units, 1), u = random_matrix(units, 4, units, 1), bias = random_matrix(1, 4, units, 1);
    struct matrix gw = random_matrix(1, 3, units, 1), gu = random_matrix(units, 3, units, 1), gb = random_matrix(1, 3, units, 1);
    float *state = zeros(2 * units), *scratch = zeros(units), *xs = zeros(LANES), *tile = zeros(2 * units * LANES);
    float *as = zeros(4 * units * LANES), *rs = zeros(3 * units * LANES);
    const float inputs[] = {0.5f, INFINITY, -INFINITY, 3e38f}, wrongs[] = {INFINITY, -INFINITY, NAN};
    for (long wrong = -1; wrong < units; wrong++) {
        for (int kind = 0; kind < 4 * 3; kind++) {
            const float x = inputs[kind / 3], value = wrongs[kind % 3];
            for (int lane = 0; lane < LANES; lane++) xs[lane] = x;
            for (long k = 0; k < 2 * units + LANES; k++) state[k] = k < 2 * units ? 0.25f : value;
            if (wrong >= 0) state[units + wrong] = value;
            for (long k = 0; k < 2 * units * LANES; k++) tile[k] = state[k / LANES];
            int finite = kernels->lstm(state, bias.panels, &x, 1, w.panels, u.panels, units, scratch) != 0;
            kernels->affine_lanes(as, bias.values, xs, 1, w.blocks, tile, units, u.blocks, 4 * units);
            kernels->lstm_lanes(tile, as, units * LANES);
            unsigned lanes = kernels->finite_lanes(tile, 2 * units);
            check(lanes == (finite ? 0xffff : 0), "the batched path's check for a finite LSTM state is wrong", units, wrong);
            if (kind < 3) check(finite == (wrong < 0), "the LSTM kernel's check for a finite state is wrong", units, wrong);

            for (long k = 0; k < units + LANES; k++) state[k] = k < units ? 0.25f : value;
            if (wrong >= 0) state[wrong] = value;
            for (long k = 0; k < units * LANES; k++) tile[k] = state[k / LANES];
            finite = kernels->gru(state, gb.panels, gb.panels, &x, 1, gw.panels, gu.panels, units, scratch) != 0;
            kernels->affine_lanes(as, gb.values, xs, 1, gw.blocks, xs, 0, gw.blocks, 3 * units);
            kernels->affine_lanes(rs, gb.values, tile, units, gu.blocks, xs, 0, gu.blocks, 3 * units);
            kernels->gru_lanes(tile, as, rs, units * LANES);
            lanes = kernels->finite_lanes(tile, units);
            check(lanes == (finite ? 0xffff : 0), "the batched path's check for a finite GRU state is wrong", units, wrong);
            if (kind < 3) check(finite == (wrong < 0), "the GRU kernel's check for a finite state is wrong", units, wrong);
        }
    }
    free(state), free(scratch), free(xs), free(tile), free(as), free(rs);
    release(w), release(u), release(bias), release(gw), release(gu), release(gb);
}

// Compares a sequence kernel with single timesteps, bit for bit: once with finite states, and once with a NaN in the
// second-to-last input.
static void check_sequence(long units) {
    enum { COUNT = 4 };
    struct matrix w = random_matrix(1, 4, units, 1), u = random_matrix(units, 4, units, 1), bias = random_matrix(1, 4, units, 1);
    struct matrix gw = random_matrix(1, 3, units, 1), gu = random_matrix(units, 3, units, 1), gb = random_matrix(1, 3, units, 1);
    float *scratch = zeros(units), *state = zeros(2 * units), *other = zeros(2 * units), *outputs = zeros(COUNT * units);
    float x[COUNT];
    for (long right = COUNT - 2; right <= COUNT; right += 2) {
        for (int is_lstm = 0; is_lstm < 2; is_lstm++) {
            // The payload distinguishes this NaN from the result of an invalid operation.
            for (long k = 0; k < COUNT; k++) x[k] = k == right ? nanf("1") : 2 * next_value();
            memset(state, 0, (size_t)(2 * units) * sizeof(float));
            memset(other, 0, (size_t)(2 * units) * sizeof(float));
            long found = is_lstm
                ? kernels->lstm_sequence(state, bias.panels, x, 1, w.panels, u.panels, units, outputs, COUNT)
                : kernels->gru_sequence(state, gb.panels, gb.panels, x, 1, gw.panels, gu.panels, units, outputs, COUNT);
            check(found == right, "the number of finite timesteps of a sequence is wrong", units, right);
            for (long step = 0; step <= right && step < COUNT; step++) {
                if (is_lstm) {
                    kernels->lstm(other, bias.panels, x + step, 1, w.panels, u.panels, units, scratch);
                } else {
                    kernels->gru(other, gb.panels, gb.panels, x + step, 1, gw.panels, gu.panels, units, scratch);
                }
                check(memcmp(outputs + step * units, other, (size_t)units * sizeof(float)) == 0, "an output of a sequence is wrong", units, step);
            }
            check(memcmp(state, other, (size_t)(2 * units) * sizeof(float)) == 0, "the state after a sequence is wrong", units, right);
        }
    }
    free(scratch), free(state), free(other), free(outputs);
    release(w), release(u), release(bias), release(gw), release(gu), release(gb);
}

// Checks y = b + x·W as computed by `affine`, or by `dots` for few columns.
static void check_dense(long rows, long columns) {
    struct matrix w = random_matrix(rows, 1, columns, 1), none = {0, columns, NULL, NULL, NULL, NULL};
    const int few = columns <= SLUICE_KERNELS_DOTS;
    float *b = zeros(columns), *x = zeros(rows), *xs = zeros(rows * LANES), *y = zeros(columns), *ys = zeros(columns * LANES);
    float *upright = zeros(columns * (rows + 3)), *apart = zeros(rows * LANES), *of_rows = zeros(columns * LANES);
    for (long k = 0; k < columns; k++) b[k] = next_value();
    for (long k = 0; k < rows * columns; k++) upright[k % columns * ((rows + 3) / 4 * 4) + k / columns] = w.values[k];
    for (long k = 0; k < rows * LANES; k++) xs[k] = next_value();
    if (few) {
        kernels->dots_lanes(ys, b, xs, rows, upright, columns);
        for (long k = 0; k < rows * LANES; k++) apart[k] = xs[k % rows * LANES + k / rows];
        kernels->dots_rows(of_rows, b, apart, rows, upright, columns);
        check(memcmp(of_rows, ys, (size_t)(columns * LANES) * sizeof(float)) == 0, "dots_rows differs from dots_lanes", rows, columns);
    } else {
        kernels->affine_lanes(ys, b, xs, rows, w.blocks, xs, 0, w.blocks, columns);
    }
    for (int lane = 0; lane < LANES; lane++) {
        double exact[4 * LARGEST];
        for (long k = 0; k < rows; k++) x[k] = xs[k * LANES + lane];
        // The kernel must ignore the float after x.
        x[rows] = NAN;
        for (long k = 0; k < columns; k++) exact[k] = column(b, x, w, exact, none, k);
        if (few) {
            kernels->dots(y, b, x, rows, upright, columns);
        } else {
            kernels->affine(y, b, x, rows, w.vectors, x, 0, w.vectors, padded(columns));
        }
        compare(ys, lane, y, exact, columns, rows, columns);
    }
    free(b), free(x), free(xs), free(y), free(ys), free(upright), free(apart), free(of_rows);
    release(w);
}

// Compares `affine_sequence` with `affine`, and checks that the former writes nothing past its output.
static void check_affine_sequence(long steps, long rows, long columns) {
    struct matrix w = random_matrix(rows, 1, columns, 1);
    float *b = zeros(columns), *x = zeros(steps * rows), *y = zeros(columns), *all = zeros(steps * columns);
    for (long k = 0; k < columns; k++) b[k] = next_value();
    for (long k = 0; k < steps * rows; k++) x[k] = next_value();
    for (long k = 0; k < LANES; k++) all[steps * columns + k] = 7;
    kernels->affine_sequence(all, b, x, steps, rows, w.vectors, columns);
    for (long t = 0; t < steps; t++) {
        kernels->affine(y, b, x + t * rows, rows, w.vectors, x, 0, w.vectors, padded(columns));
        const int same = memcmp(all + t * columns, y, (size_t)columns * sizeof(float)) == 0;
        check(same, "affine_sequence differs from affine", columns, t);
    }
    for (long k = 0; k < LANES; k++) check(all[steps * columns + k] == 7, "affine_sequence writes past its output", columns, steps);
    free(b), free(x), free(y), free(all);
    release(w);
}

static void check_functions(void) {
    float values[LANES], powers[LANES], few[LANES];
    for (double x = -60; x < 60; x += 0.0137) {
        for (int k = 0; k < LANES; k++) values[k] = powers[k] = few[k] = (float)(x + k * 1e-4);
        kernels->tanh(values, LANES);
        kernels->sigmoid(powers, LANES);
        kernels->sigmoid(few, 1);
        check(few[0] == powers[0], "sigmoid of one value differs from sigmoid of many", 0, 0);
        few[0] = (float)x;
        kernels->tanh(few, 1);
        check(few[0] == values[0], "tanh of one value differs from tanh of many", 0, 0);
        for (int k = 0; k < LANES; k++) {
            double at = (float)(x + k * 1e-4), epsilon = 3 * 0x1p-23;
            check(fabs(values[k] - tanh(at)) <= epsilon * fabs(tanh(at)), "tanh is not exact enough", 0, k);
            check(fabs(powers[k] - sigmoid(at)) <= epsilon * sigmoid(at), "sigmoid is not exact enough", 0, k);
        }
    }
    float limits[LANES] = {INFINITY, -INFINITY, 1e30f, -1e30f, 0, NAN}, copy[LANES];
    memcpy(copy, limits, sizeof limits);
    kernels->tanh(limits, LANES);
    kernels->sigmoid(copy, LANES);
    check(limits[0] == 1 && limits[1] == -1 && limits[2] == 1 && limits[3] == -1 && limits[4] == 0, "a limit of tanh is wrong", 0, 0);
    check(copy[0] == 1 && copy[1] == 0 && copy[2] == 1 && copy[3] == 0 && copy[4] == 0.5f, "a limit of sigmoid is wrong", 0, 0);
    check(isnan(limits[5]) && isnan(copy[5]), "a NaN does not stay NaN", 0, 0);
}

static void check_tiles(long count) {
    float *rows[LANES], *tile = zeros(count * LANES);
    const float *sources[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        sources[lane] = rows[lane] = zeros(count);
        for (long k = 0; k < count; k++) rows[lane][k] = (float)(lane * 1000 + k);
        rows[lane][count] = 7;
    }
    kernels->gather(tile, sources, count);
    check(kernels->finite_lanes(tile, count) == 0xffff, "finite lanes are not recognized", count, 0);
    int right = 1;
    for (int lane = 0; lane < LANES; lane++)
        for (long k = 0; k < count; k++) right &= tile[k * LANES + lane] == (float)(lane * 1000 + k);
    for (long k = 0; k < count * LANES; k++) tile[k] += 1;
    kernels->scatter(rows, tile, count);
    for (int lane = 0; lane < LANES; lane++) {
        for (long k = 0; k < count; k++) right &= rows[lane][k] == (float)(lane * 1000 + k + 1);
        right &= rows[lane][count] == 7;
    }
    check(right, "a tile differs from its rows", count, 0);
    tile[(count - 1) * LANES + 3] = INFINITY;
    tile[5] = NAN;
    check(kernels->finite_lanes(tile, count) == (0xffffu & ~(1u << 3) & ~(1u << 5)), "non-finite lanes are not recognized", count, 0);
    for (int lane = 0; lane < LANES; lane++) free(rows[lane]);
    free(tile);
}

extern const struct sluice_kernels sluice_kernels_as_avx512;

static void check_set(const struct sluice_kernels *set) {
    kernels = set;
    long before = checks;
    // These sizes cover every way in which a layer's last units can be laid out in panels.
    const long units[] = {1, 2, 3, 5, 8, 9, 10, 11, 16, 17, 18, 26, 33, 64, LARGEST};
    for (unsigned k = 0; k < sizeof units / sizeof units[0]; k++) {
        check_lstm(1 + k % 3, units[k]);
        check_gru(1 + k % 3, units[k]);
        check_finite(units[k]);
        check_sequence(units[k]);
    }
    for (long rows = 1; rows <= 40; rows++)
        for (long columns = 1; columns <= 6; columns++) check_dense(rows, columns);
    // These widths cover every block width of a set, and the columns left over.
    for (long columns = 4 * LARGEST; columns > 6; columns = columns * 2 / 3) check_dense(7, columns);
    for (long steps = 1; steps <= 20; steps++)
        for (long columns = 4 * LARGEST; columns > 4; columns = columns * 4 / 5) check_affine_sequence(steps, 1 + steps % 4, columns);
    check_functions();
    for (long size = 1; size <= 40; size++) check_tiles(size);
    printf("%s: %ld checks\n", kernels->name, checks - before);
}

int main(void) {
    int count = 0;
    const struct sluice_kernels *const *sets = sluice_kernels_available(&count);
    for (int set = 0; set < count; set++) check_set(sets[set]);
    check_set(&sluice_kernels_as_avx512);
    if (failures > 0) printf("%ld checks failed\n", failures);
    return failures > 0;
}
