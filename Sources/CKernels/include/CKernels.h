#ifndef SLUICE_KERNELS_H
#define SLUICE_KERNELS_H

// The engine's inner loops, compiled once per vector instruction set.
//
// Within each sum, the order of the additions is fixed and is the same in every set. A given machine therefore always
// computes the same bits for a stream, no matter which other streams it steps at the same time. Results from different
// sets may differ in the last bits, because baseline x86-64 has no fused multiply-add.

// The number of floats in a vector, which fills one cache line. Each set builds a vector from one, two or four machine
// vectors. The columns of a matrix and the lengths of output vectors are padded to a multiple of this number. It is
// also the number of lanes: the batched path steps this many streams at once.
#define SLUICE_KERNELS_WIDTH 16

// The maximum number of columns of a matrix for `dots`.
#define SLUICE_KERNELS_DOTS 4

// The kernels for training that differ by the number of lanes, which is SLUICE_KERNELS_WIDTH or 1. Matrices are
// row-major. Rearranging them would not pay, because they change with every update.
struct sluice_lane_kernels {
    // y = b + x·W + h·U in each lane, summed in this order. If `units` is 0, there is no second product. b may be NULL.
    //
    // y: (columns, lanes). b: (columns). x: (rows, lanes). h: (units, lanes). W: (rows, columns). U: (units, columns).
    void (*affine)(
        float *y, const float *b, const float *x, long rows, const float *w, const float *h, long units, const float *u,
        long columns);

    // x = b + z·Wᵀ in each lane. If z is the gradient of a layer's output, z·Wᵀ is the gradient of the layer's input. b
    // may be NULL.
    //
    // x, b: (rows, lanes). z: (columns, lanes). W: (rows, columns).
    void (*transposed)(float *x, const float *b, const float *z, long columns, const float *w, long rows);

    // dW += Σ xᵀ·z over all timesteps and lanes.
    //
    // dW: (rows, columns). x: (steps, rows, lanes). z: (steps, columns, lanes). x_step and z_step are the distances
    // from one timestep to the next, in floats; they may be negative.
    void (*add_products)(
        float *dw, const float *x, long x_step, long rows, const float *z, long z_step, long columns, long steps);

    // db += Σ z over all timesteps and lanes. db: (columns). z_step: as for `add_products`.
    void (*add_sums)(float *db, const float *z, long z_step, long columns, long steps);

    // One timestep of an LSTM. The four gates i, f, c, o have the sums z = b + x·W + h·U, as in `affine`.
    //
    // z: (5 · units, lanes); receives the gates' values, then tanh c. before, after: the state before and after the
    // timestep, h then c, (2 · units, lanes). `rows` is the length of x.
    void (*lstm)(
        float *z, const float *b, const float *x, long rows, const float *w, const float *u, long units, const float *before,
        float *after);
};

struct sluice_kernels {
    // "baseline", "avx2", "avx512" or "neon".
    const char *name;

    // The number of vectors that accumulate sums in registers at once, a power of two. It is large enough to hide the
    // latency of a multiply-add, and to use each loaded operand several times. Otherwise, loads would be the bottleneck
    // on cores that load no more vectors per cycle than they multiply.
    //
    // A matrix is stored in blocks, so that a kernel reads it in memory order. Each block is stored row by row. It is
    // `accumulators` vectors wide for `affine`, and `accumulators` columns wide for `affine_lanes`. The remaining
    // columns form blocks of half that width, a quarter, and so on down to 1, with at most one block of each width.
    long accumulators;

    // The number of bytes of weights that the scalar path can read without slowing its arithmetic: the size of the
    // first-level cache for wide vectors, and much of the second-level cache for narrow ones.
    long cached_bytes;

    // The scalar path: one stream at a time.

    // y = b + x·W + h·U, summed in this order. If `units` is 0, there is no second product.
    //
    // y, b: (columns). x: (rows). h: (units). W: (rows, columns) and U: (units, columns), in blocks; see
    // `accumulators`. columns is a multiple of the width.
    void (*affine)(
        float *y, const float *b, const float *x, long rows, const float *w, const float *h, long units, const float *u,
        long columns);

    // y = b + x·W, for at most SLUICE_KERNELS_DOTS columns. For so few columns, `affine` would compute mostly padding.
    //
    // Each output is b + ((s0 + s2) + (s1 + s3)), where s0 to s3 are the sums of the products of every fourth row,
    // starting at rows 0 to 3. The one to three rows left over after the last group of four, if any, are added first:
    // one each to s0, s1 and s2.
    //
    // y, b: (columns), with room for four. x: (rows). W: (columns, rows), each row padded with zeros to a multiple of
    // four.
    void (*dots)(float *y, const float *b, const float *x, long rows, const float *w, long columns);

    // y = 1 / (1 + e^-y), for `count` floats. The kernel may overwrite the floats up to the next multiple of the width.
    void (*sigmoid)(float *y, long count);

    // y = tanh y, for `count` floats. Like `sigmoid`, the kernel may overwrite the floats up to the next multiple of
    // the width.
    void (*tanh)(float *y, long count);

    // Rearranges a gated layer's weights, shape (rows, gates · units), into the order in which `lstm` and `gru` read
    // them: panels of a few units each. A panel is stored row by row, with all gates of its units side by side. A bias
    // is a matrix with one row. Returns the number of floats in the panels, including the zeros that pad them. `out`
    // may be NULL.
    long (*panels)(float *out, const float *values, long rows, long gates, long units);

    // One timestep of an LSTM. The four gates i, f, c, o have the sums z = b + x·W + h·U, added in this order. With
    // these sums,
    //
    //     c = σ(zf) c + σ(zi) tanh(zc)
    //     h = σ(zo) tanh(c)
    //
    // state: h then c, (2 · units), both replaced; the kernel may read one vector past the end. x: (rows).
    // b: (1, 4 · units), W: (rows, 4 · units) and U: (units, 4 · units), in panels. next: scratch memory, (units), with
    // room for one more vector. Returns whether the state is finite.
    int (*lstm)(
        float *state, const float *b, const float *x, long rows, const float *w, const float *u, long units, float *next);

    // A sequence of LSTM timesteps, up to the first that makes the state non-finite.
    //
    // x: (steps, rows). outputs: (steps, units), the hidden state after each timestep; the kernel may read one vector
    // past the end. The other arguments are the same as for `lstm`. Returns the number of timesteps that left the state
    // finite. If this number is less than `steps`, the kernel also stepped the next timestep, which made the state
    // non-finite.
    long (*lstm_sequence)(
        float *state, const float *b, const float *x, long rows, const float *w, const float *u, long units, float *outputs,
        long steps);

    // One timestep of a GRU whose reset gate acts after the recurrent weights. The three gates z, r and h have the
    // input sums a = b + x·W and the hidden-state sums s = b' + h·U. With these sums,
    //
    //     z = σ(az + sz)
    //     r = σ(ar + sr)
    //     h = z h + (1 − z) tanh(ah + r sh)
    //
    // h: (units), replaced; the kernel may read one vector past the end. x: (rows). b and b': (1, 3 · units),
    // W: (rows, 3 · units) and U: (units, 3 · units), in panels. next: as for `lstm`. Returns whether the state is finite.
    int (*gru)(
        float *h, const float *b, const float *recurrent_b, const float *x, long rows, const float *w, const float *u,
        long units, float *next);

    // A sequence of GRU timesteps; see `lstm_sequence`.
    long (*gru_sequence)(
        float *h, const float *b, const float *recurrent_b, const float *x, long rows, const float *w, const float *u,
        long units, float *outputs, long steps);

    // The batched path: many streams at once. Their values are in tiles of shape (n, lanes): row k of a tile holds
    // value k of each stream, one per lane. `sigmoid` and `tanh` accept a tile as a vector of n · lanes values. Each
    // kernel sums in the same order as its counterpart on the scalar path.

    // y = b + x·W + h·U in each lane.
    //
    // y: (columns, lanes). b: (columns). x: (rows, lanes). h: (units, lanes). W and U: in blocks; see `accumulators`.
    void (*affine_lanes)(
        float *y, const float *b, const float *x, long rows, const float *w, const float *h, long units, const float *u,
        long columns);

    // Computes `dots` in each lane, with the same layout of W.
    void (*dots_lanes)(float *y, const float *b, const float *x, long rows, const float *w, long columns);

    // Computes an LSTM's new state from z, the sums of the four gates i, f, c, o. Each gate has `count` = units · lanes
    // values. Overwrites z.
    //
    // state: h then c, (2 · units, lanes), both replaced.
    void (*lstm_lanes)(float *state, float *z, long count);

    // Computes a GRU's new state from the sums of the three gates z, r, h. a holds the input sums and is overwritten. b
    // holds the hidden-state sums. Each gate has `count` = units · lanes values.
    void (*gru_lanes)(float *h, float *a, const float *b, long count);

    // tile[k][lane] = rows[lane][k], k < count. There is one row per lane.
    void (*gather)(float *tile, const float *const *rows, long count);

    // rows[lane][k] = tile[k][lane], k < count. There is one row per lane.
    void (*scatter)(float *const *rows, const float *tile, long count);

    // Returns a bit mask of the lanes whose `count` values are all finite. Lane 0 is the lowest bit.
    unsigned (*finite_lanes)(const float *tile, long count);

    // Many timesteps at once, stored one after another instead of in tiles. Each kernel sums in the same order as its
    // counterpart for one timestep.

    // Like `affine` without h·U: y = b + x·W for each timestep.
    //
    // y: (steps, columns); the kernel writes nothing past the end. b: (columns). x: (steps, rows). W: as for `affine`.
    // `columns` does not count the padding.
    void (*affine_sequence)(float *y, const float *b, const float *x, long steps, long rows, const float *w, long columns);

    // Computes `dots_lanes` from inputs that are not in a tile. x: (lanes, rows).
    void (*dots_rows)(float *y, const float *b, const float *x, long rows, const float *w, long columns);

    // Training: a group of sequences side by side in tiles, or a single sequence, whose tiles have one lane and are
    // thus vectors. Matrices are row-major. `count` is units · lanes. All gradients are gradients of the loss. A kernel
    // writes exactly the values that its comment names. It may read up to one vector past the end of its arguments.

    // The kernels for a group, and for a single sequence.
    struct sluice_lane_kernels tiles, vectors;

    // y = 1 / (1 + e^-y), and y = tanh y.
    void (*sigmoid_tiles)(float *y, long count);
    void (*tanh_tiles)(float *y, long count);

    // Computes the gradients of an LSTM's sums from dh and dc, the gradients of the new state. The gradients of the
    // sums replace the gates' values in z. dc is replaced with the gradient of the previous cell state.
    void (*lstm_back_tiles)(float *z, const float *before, const float *tanh_c, const float *dh, float *dc, long count);

    // Computes a GRU's new state from the sums of the gates z, r, h. a holds the input sums, which are replaced with
    // the gates' values. s holds the hidden-state sums. `before` and h are the hidden state before and after the
    // timestep.
    void (*gru_tiles)(float *a, const float *s, const float *before, float *h, long count);

    // Computes the gradients of a GRU's sums from dh, the gradient of the new state. The gradients of the input sums
    // replace the gates' values in a. The gradients of the hidden-state sums replace s. dh is replaced with the part of
    // the previous state's gradient that does not pass through the sums.
    void (*gru_back_tiles)(float *a, float *s, const float *before, float *dh, long count);

    // y = factor · y. Returns whether all products are finite.
    int (*scale)(float *y, float factor, long count);

    // One update of Adam for `count` weights w with the gradients g. first is 1 − β₁, and second is 1 − β₂.
    //
    //     m += (g − m) first
    //     v += (g² − v) second
    //     w −= alpha m / (√v + epsilon)
    void (*adam)(
        float *w, const float *g, float *m, float *v, long count, float alpha, float first, float second, float epsilon);
};

// Makes the calling thread treat denormals (numbers too small for a normal float) as zero, because computing with them
// is many times slower. Returns the previous mode, for `sluice_restore_denormals`.
unsigned long sluice_flush_denormals(void);
void sluice_restore_denormals(unsigned long mode);

// Returns the kernel sets that this machine can run, best first, and stores the number of sets in `count`. There is
// always at least one.
const struct sluice_kernels *const *sluice_kernels_available(int *count);

// Asks the processor to load a cache line. The address need not be valid.
static inline void sluice_prefetch(const void *address) { __builtin_prefetch(address); }

#endif
