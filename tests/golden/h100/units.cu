// One dot-product instruction of an H100 at a time, chained over k, on whole matrices.
//
//     nvcc -gencode=arch=compute_90a,code=sm_90a -O2 -shared -Xcompiler -fPIC -o units.so units.cu
//
// All instructions here take 32 bytes of k from each row of A and each column of B, and their fragments are the same in
// bytes (PTX ISA, "Matrix Fragments for mma.m16n8k16 / m16n8k8.tf32 / m16n8k32", "Register Fragments for
// wgmma.mma_async.m64nNk16"), so that one kernel serves all element types.

#include <cstdint>
#include <cstdio>
#include <cuda_runtime.h>

namespace {

constexpr int CHUNK = 32;

struct Product {
    const uint8_t* a;  // [rows, chunks * 32 bytes]
    const uint8_t* b;  // [cols, chunks * 32 bytes]: columns of B
    const uint8_t* c;  // [rows, cols], f32 or f16
    uint8_t* d;        // [rows, cols], likewise
    int rows, cols, chunks;
};

__device__ uint32_t word(const uint8_t* matrix, int chunks, int row, int chunk, int byte) {
    return *reinterpret_cast<const uint32_t*>(matrix + (size_t(row) * chunks + chunk) * CHUNK + byte);
}

// The accumulator of a thread: rows g and g + 8, columns 2t and 2t + 1 of a tile of 16 x 8.
template <bool Half>
struct Register {
    uint32_t d[Half ? 2 : 4];

    __device__ static size_t at(int cols, int row, int col) { return size_t(row) * cols + col; }

    __device__ void load(const uint8_t* c, int cols, int row, int col) {
        for (int half = 0; half < 2; ++half) {
            size_t place = at(cols, row + 8 * half, col);
            if (Half) {
                d[half] = *reinterpret_cast<const uint32_t*>(c + 2 * place);
            } else {
                d[2 * half] = *reinterpret_cast<const uint32_t*>(c + 4 * place);
                d[2 * half + 1] = *reinterpret_cast<const uint32_t*>(c + 4 * place + 4);
            }
        }
    }

    __device__ void store(uint8_t* out, int cols, int row, int col) const {
        for (int half = 0; half < 2; ++half) {
            size_t place = at(cols, row + 8 * half, col);
            if (Half) {
                *reinterpret_cast<uint32_t*>(out + 2 * place) = d[half];
            } else {
                *reinterpret_cast<uint32_t*>(out + 4 * place) = d[2 * half];
                *reinterpret_cast<uint32_t*>(out + 4 * place + 4) = d[2 * half + 1];
            }
        }
    }
};

struct Fragment {
    uint32_t a[4];

    __device__ Fragment(const Product& p, int row, int chunk, int t) {
        a[0] = word(p.a, p.chunks, row, chunk, 4 * t);
        a[1] = word(p.a, p.chunks, row + 8, chunk, 4 * t);
        a[2] = word(p.a, p.chunks, row, chunk, 16 + 4 * t);
        a[3] = word(p.a, p.chunks, row + 8, chunk, 16 + 4 * t);
    }
};

// One warp per tile of 16 x 8.
template <class Unit>
__global__ void synchronous(Product p) {
    int lane = threadIdx.x, group = lane / 4, t = lane % 4;
    int row = blockIdx.x * 16 + group, col = blockIdx.y * 8;
    Register<Unit::half> sum;
    sum.load(p.c, p.cols, row, col + 2 * t);
    for (int chunk = 0; chunk < p.chunks; ++chunk) {
        Fragment a(p, row, chunk, t);
        uint32_t b[2] = {word(p.b, p.chunks, col + group, chunk, 4 * t),
                         word(p.b, p.chunks, col + group, chunk, 16 + 4 * t)};
        Unit::step(sum.d, a.a, b);
    }
    sum.store(p.d, p.cols, row, col + 2 * t);
}

// One warpgroup per tile of 64 x 8; A in registers, B in shared memory, two core matrices of 8 columns x 16 bytes.
template <class Unit>
__global__ void asynchronous(Product p) {
    __shared__ alignas(128) uint8_t shared[256];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4, t = lane % 4;
    int row = blockIdx.x * 64 + warp * 16 + group, col = blockIdx.y * 8;
    uint64_t start = (uint32_t(__cvta_generic_to_shared(shared)) & 0x3ffff) >> 4;
    // No swizzle; 128 bytes between core matrices along k, 256 (unused) along n.
    uint64_t descriptor = start | (uint64_t(128 >> 4) << 16) | (uint64_t(256 >> 4) << 32);
    Register<Unit::half> sum;
    sum.load(p.c, p.cols, row, col + 2 * t);
    for (int chunk = 0; chunk < p.chunks; ++chunk) {
        Fragment a(p, row, chunk, t);
        __syncthreads();
        if (threadIdx.x < 64) {
            int core = threadIdx.x / 32, n = threadIdx.x / 4 % 8, part = threadIdx.x % 4;
            *reinterpret_cast<uint32_t*>(shared + core * 128 + n * 16 + part * 4) =
                word(p.b, p.chunks, col + n, chunk, core * 16 + part * 4);
        }
        asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
        __syncthreads();
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
        Unit::step(sum.d, a.a, descriptor);
        asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
        asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    }
    sum.store(p.d, p.cols, row, col + 2 * t);
}

#define MMA32(NAME, TYPES)                                                                          \
    struct NAME {                                                                                   \
        static constexpr bool half = false;                                                         \
        __device__ static void step(uint32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) { \
            asm volatile("mma.sync.aligned." TYPES                                                  \
                         " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                  \
                         : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])                         \
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));     \
        }                                                                                           \
    };
#define MMA16(NAME, TYPES)                                                                          \
    struct NAME {                                                                                   \
        static constexpr bool half = true;                                                          \
        __device__ static void step(uint32_t (&d)[2], const uint32_t (&a)[4], const uint32_t (&b)[2]) { \
            asm volatile("mma.sync.aligned." TYPES " {%0,%1}, {%2,%3,%4,%5}, {%6,%7}, {%0,%1};"    \
                         : "+r"(d[0]), "+r"(d[1])                                                 \
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));     \
        }                                                                                           \
    };
#define WGMMA32(NAME, TYPES, TRANSPOSE)                                                             \
    struct NAME {                                                                                   \
        static constexpr bool half = false;                                                         \
        __device__ static void step(uint32_t (&d)[4], const uint32_t (&a)[4], uint64_t b) {         \
            asm volatile("{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned." TYPES \
                         " {%0,%1,%2,%3}, {%4,%5,%6,%7}, %8, p, 1, 1" TRANSPOSE "; }"              \
                         : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])                         \
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                    \
        }                                                                                           \
    };
#define WGMMA16(NAME, TYPES, TRANSPOSE)                                                             \
    struct NAME {                                                                                   \
        static constexpr bool half = true;                                                          \
        __device__ static void step(uint32_t (&d)[2], const uint32_t (&a)[4], uint64_t b) {         \
            asm volatile("{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned." TYPES \
                         " {%0,%1}, {%2,%3,%4,%5}, %6, p, 1, 1" TRANSPOSE "; }"                    \
                         : "+r"(d[0]), "+r"(d[1])                                                 \
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                    \
        }                                                                                           \
    };

MMA32(MmaF16, "m16n8k16.row.col.f32.f16.f16.f32")
MMA16(MmaF16F16, "m16n8k16.row.col.f16.f16.f16.f16")
MMA32(MmaBf16, "m16n8k16.row.col.f32.bf16.bf16.f32")
MMA32(MmaTf32, "m16n8k8.row.col.f32.tf32.tf32.f32")
MMA32(MmaE4E4, "m16n8k32.row.col.f32.e4m3.e4m3.f32")
MMA32(MmaE4E5, "m16n8k32.row.col.f32.e4m3.e5m2.f32")
MMA32(MmaE5E4, "m16n8k32.row.col.f32.e5m2.e4m3.f32")
MMA32(MmaE5E5, "m16n8k32.row.col.f32.e5m2.e5m2.f32")
#ifdef FP8_TO_F16
MMA16(MmaE4E4F16, "m16n8k32.row.col.f16.e4m3.e4m3.f16")
MMA16(MmaE5E4F16, "m16n8k32.row.col.f16.e5m2.e4m3.f16")
#endif
WGMMA32(WgmmaF16, "m64n8k16.f32.f16.f16", ", 0")
WGMMA16(WgmmaF16F16, "m64n8k16.f16.f16.f16", ", 0")
WGMMA32(WgmmaBf16, "m64n8k16.f32.bf16.bf16", ", 0")
WGMMA32(WgmmaTf32, "m64n8k8.f32.tf32.tf32", "")
WGMMA32(WgmmaE4E4, "m64n8k32.f32.e4m3.e4m3", "")
WGMMA32(WgmmaE4E5, "m64n8k32.f32.e4m3.e5m2", "")
WGMMA32(WgmmaE5E4, "m64n8k32.f32.e5m2.e4m3", "")
WGMMA32(WgmmaE5E5, "m64n8k32.f32.e5m2.e5m2", "")
WGMMA16(WgmmaE4E4F16, "m64n8k32.f16.e4m3.e4m3", "")
WGMMA16(WgmmaE5E4F16, "m64n8k32.f16.e5m2.e4m3", "")

template <class Unit>
void mma(Product p) {
    synchronous<Unit><<<dim3(p.rows / 16, p.cols / 8), 32>>>(p);
}

template <class Unit>
void wgmma(Product p) {
    asynchronous<Unit><<<dim3(p.rows / 64, p.cols / 8), 128>>>(p);
}

struct Row {
    const char* name;
    void (*run)(Product);
    bool half;
};

const Row ROWS[] = {
    {"mma f16 f16 f32", mma<MmaF16>, false},
    {"mma f16 f16 f16", mma<MmaF16F16>, true},
    {"mma bf16 bf16 f32", mma<MmaBf16>, false},
    {"mma tf32 tf32 f32", mma<MmaTf32>, false},
    {"mma e4m3fn e4m3fn f32", mma<MmaE4E4>, false},
    {"mma e4m3fn e5m2 f32", mma<MmaE4E5>, false},
    {"mma e5m2 e4m3fn f32", mma<MmaE5E4>, false},
    {"mma e5m2 e5m2 f32", mma<MmaE5E5>, false},
#ifdef FP8_TO_F16
    {"mma e4m3fn e4m3fn f16", mma<MmaE4E4F16>, true},
    {"mma e5m2 e4m3fn f16", mma<MmaE5E4F16>, true},
#endif
    {"wgmma f16 f16 f32", wgmma<WgmmaF16>, false},
    {"wgmma f16 f16 f16", wgmma<WgmmaF16F16>, true},
    {"wgmma bf16 bf16 f32", wgmma<WgmmaBf16>, false},
    {"wgmma tf32 tf32 f32", wgmma<WgmmaTf32>, false},
    {"wgmma e4m3fn e4m3fn f32", wgmma<WgmmaE4E4>, false},
    {"wgmma e4m3fn e5m2 f32", wgmma<WgmmaE4E5>, false},
    {"wgmma e5m2 e4m3fn f32", wgmma<WgmmaE5E4>, false},
    {"wgmma e5m2 e5m2 f32", wgmma<WgmmaE5E5>, false},
    {"wgmma e4m3fn e4m3fn f16", wgmma<WgmmaE4E4F16>, true},
    {"wgmma e5m2 e4m3fn f16", wgmma<WgmmaE5E4F16>, true},
};

}  // namespace

extern "C" const char* unit_name(int index) {
    return index < int(sizeof(ROWS) / sizeof(ROWS[0])) ? ROWS[index].name : nullptr;
}

// 0, or a CUDA error.
extern "C" int unit_run(int index, const uint8_t* a, const uint8_t* b, const uint8_t* c, uint8_t* d, int rows,
                        int cols, int chunks) {
    size_t size = ROWS[index].half ? 2 : 4;
    size_t bytes_a = size_t(rows) * chunks * CHUNK, bytes_b = size_t(cols) * chunks * CHUNK;
    size_t bytes_c = size_t(rows) * cols * size;
    uint8_t *da, *db, *dc, *dd;
    cudaMalloc(&da, bytes_a);
    cudaMalloc(&db, bytes_b);
    cudaMalloc(&dc, bytes_c);
    cudaMalloc(&dd, bytes_c);
    cudaMemcpy(da, a, bytes_a, cudaMemcpyHostToDevice);
    cudaMemcpy(db, b, bytes_b, cudaMemcpyHostToDevice);
    cudaMemcpy(dc, c, bytes_c, cudaMemcpyHostToDevice);
    ROWS[index].run({da, db, dc, dd, rows, cols, chunks});
    cudaMemcpy(d, dd, bytes_c, cudaMemcpyDeviceToHost);
    cudaFree(da);
    cudaFree(db);
    cudaFree(dc);
    cudaFree(dd);
    return int(cudaGetLastError());
}
