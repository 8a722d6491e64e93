// Checks every set of kernels that the machine has, in C alone: so that it can be built for another kind of processor, and run
// by an emulator of it, where no Swift is had. tools/check/kernels does that for arm64.
//
// Streams side by side must have the bits of a stream alone, and both be near what double precision gives.

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

// From -1 to 1, the same in every run.
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

// A matrix as it is written down, and in the forms that the kernels read: `vectors` for a stream alone, or `panels` of a layer
// with gates, and `blocks` for streams side by side.
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
    m.vectors = in_blocks(m.values, rows, columns, padded(columns), kernels->sums * LANES);
    m.panels = in_panels(m.values, rows, gates, units);
    m.blocks = in_blocks(m.values, rows, columns, columns, kernels->sums);
    return m;
}

static void release(struct matrix m) {
    free(m.values);
    free(m.vectors);
    free(m.panels);
    free(m.blocks);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

// b + x·W + h·U, one column.
static double column(const float *b, const float *x, struct matrix w, const double *h, struct matrix u, long k) {
    double sum = b[k];
    for (long j = 0; j < w.rows; j++) sum += (double)x[j] * w.values[j * w.columns + k];
    for (long j = 0; j < u.rows; j++) sum += h[j] * u.values[j * u.columns + k];
    return sum;
}

// The state of one lane against that of the stream alone, bit for bit, and against double precision.
static void compare(const float *tile, int lane, const float *alone, const double *exact, long count, long units, long step) {
    int same = 1, near = 1;
    for (long k = 0; k < count; k++) {
        same &= memcmp(&tile[k * LANES + lane], &alone[k], sizeof(float)) == 0;
        // A cell may be far more than 1.
        near &= fabs(alone[k] - exact[k]) <= 1e-5 * fmax(1, fabs(exact[k]));
    }
    check(same, "side by side is not as alone", units, step);
    check(near, "not near double precision", units, step);
}

// Mostly small ones; now and then such as shut and open gates, for so many timesteps that cells grow past where their tanh is 1.
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

// What a layer's timestep says of its state: not of what stands behind, of each value, and as it is found side by side.
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
            check(lanes == (finite ? 0xffff : 0), "an LSTM's state is finite or not", units, wrong);
            if (kind < 3) check(finite == (wrong < 0), "what an LSTM says of its state", units, wrong);

            for (long k = 0; k < units + LANES; k++) state[k] = k < units ? 0.25f : value;
            if (wrong >= 0) state[wrong] = value;
            for (long k = 0; k < units * LANES; k++) tile[k] = state[k / LANES];
            finite = kernels->gru(state, gb.panels, gb.panels, &x, 1, gw.panels, gu.panels, units, scratch) != 0;
            kernels->affine_lanes(as, gb.values, xs, 1, gw.blocks, xs, 0, gw.blocks, 3 * units);
            kernels->affine_lanes(rs, gb.values, tile, units, gu.blocks, xs, 0, gu.blocks, 3 * units);
            kernels->gru_lanes(tile, as, rs, units * LANES);
            lanes = kernels->finite_lanes(tile, units);
            check(lanes == (finite ? 0xffff : 0), "a GRU's state is finite or not", units, wrong);
            if (kind < 3) check(finite == (wrong < 0), "what a GRU says of its state", units, wrong);
        }
    }
    free(state), free(scratch), free(xs), free(tile), free(as), free(rs);
    release(w), release(u), release(bias), release(gw), release(gu), release(gb);
}

// Some timesteps at once against one after another, bit for bit, where all are right and where the last but one is not.
static void check_all(long units) {
    enum { COUNT = 4 };
    struct matrix w = random_matrix(1, 4, units, 1), u = random_matrix(units, 4, units, 1), bias = random_matrix(1, 4, units, 1);
    struct matrix gw = random_matrix(1, 3, units, 1), gu = random_matrix(units, 3, units, 1), gb = random_matrix(1, 3, units, 1);
    float *scratch = zeros(units), *state = zeros(2 * units), *other = zeros(2 * units), *outputs = zeros(COUNT * units);
    float x[COUNT];
    for (long right = COUNT - 2; right <= COUNT; right += 2) {
        for (int is_lstm = 0; is_lstm < 2; is_lstm++) {
            // No number, and not the one that operations give.
            for (long k = 0; k < COUNT; k++) x[k] = k == right ? nanf("1") : 2 * next_value();
            memset(state, 0, (size_t)(2 * units) * sizeof(float));
            memset(other, 0, (size_t)(2 * units) * sizeof(float));
            long found = is_lstm
                ? kernels->lstm_all(state, bias.panels, x, 1, w.panels, u.panels, units, outputs, COUNT)
                : kernels->gru_all(state, gb.panels, gb.panels, x, 1, gw.panels, gu.panels, units, outputs, COUNT);
            check(found == right, "how many timesteps were right", units, right);
            for (long step = 0; step <= right && step < COUNT; step++) {
                if (is_lstm) {
                    kernels->lstm(other, bias.panels, x + step, 1, w.panels, u.panels, units, scratch);
                } else {
                    kernels->gru(other, gb.panels, gb.panels, x + step, 1, gw.panels, gu.panels, units, scratch);
                }
                check(memcmp(outputs + step * units, other, (size_t)units * sizeof(float)) == 0, "an output", units, step);
            }
            check(memcmp(state, other, (size_t)(2 * units) * sizeof(float)) == 0, "the state after all", units, right);
        }
    }
    free(scratch), free(state), free(other), free(outputs);
    release(w), release(u), release(bias), release(gw), release(gu), release(gb);
}

// y = b + x·W, by `affine`, and by `dots` where the columns are few.
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
        check(memcmp(of_rows, ys, (size_t)(columns * LANES) * sizeof(float)) == 0, "sums of rows", rows, columns);
    } else {
        kernels->affine_lanes(ys, b, xs, rows, w.blocks, xs, 0, w.blocks, columns);
    }
    for (int lane = 0; lane < LANES; lane++) {
        double exact[4 * LARGEST];
        for (long k = 0; k < rows; k++) x[k] = xs[k * LANES + lane];
        // What stands behind does not matter.
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

// Many timesteps by `affine_rows`, each as `affine` takes it, and nothing behind them touched.
static void check_rows(long steps, long rows, long columns) {
    struct matrix w = random_matrix(rows, 1, columns, 1);
    float *b = zeros(columns), *x = zeros(steps * rows), *y = zeros(columns), *all = zeros(steps * columns);
    for (long k = 0; k < columns; k++) b[k] = next_value();
    for (long k = 0; k < steps * rows; k++) x[k] = next_value();
    for (long k = 0; k < LANES; k++) all[steps * columns + k] = 7;
    kernels->affine_rows(all, b, x, steps, rows, w.vectors, columns);
    for (long t = 0; t < steps; t++) {
        kernels->affine(y, b, x + t * rows, rows, w.vectors, x, 0, w.vectors, padded(columns));
        const int same = memcmp(all + t * columns, y, (size_t)columns * sizeof(float)) == 0;
        check(same, "one of many timesteps is not as alone", columns, t);
    }
    for (long k = 0; k < LANES; k++) check(all[steps * columns + k] == 7, "what is behind many timesteps", columns, steps);
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
        check(few[0] == powers[0], "one sigmoid is not as of many", 0, 0);
        few[0] = (float)x;
        kernels->tanh(few, 1);
        check(few[0] == values[0], "one tanh is not as of many", 0, 0);
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
    check(limits[0] == 1 && limits[1] == -1 && limits[2] == 1 && limits[3] == -1 && limits[4] == 0, "limits of tanh", 0, 0);
    check(copy[0] == 1 && copy[1] == 0 && copy[2] == 1 && copy[3] == 0 && copy[4] == 0.5f, "limits of sigmoid", 0, 0);
    check(isnan(limits[5]) && isnan(copy[5]), "a NaN must stay one", 0, 0);
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
    check(kernels->finite_lanes(tile, count) == 0xffff, "all lanes are finite", count, 0);
    int right = 1;
    for (int lane = 0; lane < LANES; lane++)
        for (long k = 0; k < count; k++) right &= tile[k * LANES + lane] == (float)(lane * 1000 + k);
    for (long k = 0; k < count * LANES; k++) tile[k] += 1;
    kernels->scatter(rows, tile, count);
    for (int lane = 0; lane < LANES; lane++) {
        for (long k = 0; k < count; k++) right &= rows[lane][k] == (float)(lane * 1000 + k + 1);
        right &= rows[lane][count] == 7;
    }
    check(right, "a tile is not what its rows are", count, 0);
    tile[(count - 1) * LANES + 3] = INFINITY;
    tile[5] = NAN;
    check(kernels->finite_lanes(tile, count) == (0xffffu & ~(1u << 3) & ~(1u << 5)), "lanes that are not finite", count, 0);
    for (int lane = 0; lane < LANES; lane++) free(rows[lane]);
    free(tile);
}

extern const struct sluice_kernels sluice_kernels_as_avx512;

static void check_set(const struct sluice_kernels *set) {
    kernels = set;
    long before = checks;
    // Each way in which a layer's last units can stand in panels.
    const long units[] = {1, 2, 3, 5, 8, 9, 10, 11, 16, 17, 18, 26, 33, 64, LARGEST};
    for (unsigned k = 0; k < sizeof units / sizeof units[0]; k++) {
        check_lstm(1 + k % 3, units[k]);
        check_gru(1 + k % 3, units[k]);
        check_finite(units[k]);
        check_all(units[k]);
    }
    for (long rows = 1; rows <= 40; rows++)
        for (long columns = 1; columns <= 6; columns++) check_dense(rows, columns);
    // Each number of sums that a set has, and what is left over.
    for (long columns = 4 * LARGEST; columns > 6; columns = columns * 2 / 3) check_dense(7, columns);
    for (long steps = 1; steps <= 20; steps++)
        for (long columns = 4 * LARGEST; columns > 4; columns = columns * 4 / 5) check_rows(steps, 1 + steps % 4, columns);
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
