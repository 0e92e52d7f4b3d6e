/* libfewbit for C++17: handles that free themselves, views of arrays, exceptions. No logic of its own: every function is one of
 * fewbit.h, whose comments say what it does.
 *
 *     #include <fewbit.hpp>
 *     #include <iostream>
 *
 *     int main() {
 *         fewbit::format e4m3("e4m3fn");
 *         fewbit::policy nearest("ties-even,saturate");
 *         std::cout << e4m3.encode(nearest, 3.1).code << "\n";      // 68, that is 0x44: 3.0
 *
 *         fewbit::machine mac(fewbit::accumulator("int8-sat"));
 *         mac.push(100);
 *         mac.push(100);                                            // 200 is beyond 127
 *         std::cout << mac.value() << " " << mac.events(0) << "\n"; // 127 1
 *     }
 */
#ifndef FEWBIT_HPP
#define FEWBIT_HPP

#include "fewbit.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace fewbit {

/** What the library refused, with its status. */
class error : public std::runtime_error {
public:
    error(std::uint32_t status, const std::string &message) : std::runtime_error(message), status_(status) {}
    /** A fewbit_status of the kinds of errors. */
    std::uint32_t status() const noexcept { return status_; }

private:
    std::uint32_t status_;
};

namespace detail {

/** The flags of a status; throws where it is an error. */
inline std::uint32_t check(std::uint32_t status) {
    if (status & FEWBIT_STATUS_ERROR) {
        throw error(status, fewbit_last_error());
    }
    return status;
}

/** A handle that was made; throws where it is null. */
template <class T> T *made(T *handle) {
    if (handle == nullptr) {
        throw error(FEWBIT_STATUS_ERROR, fewbit_last_error());
    }
    return handle;
}

/** Owns a handle. */
template <class T, void (*Free)(T *)> class owner {
public:
    T *get() const noexcept { return handle_.get(); }

protected:
    explicit owner(T *handle) : handle_(made(handle)) {}

private:
    struct deleter {
        void operator()(T *handle) const noexcept { Free(handle); }
    };
    std::unique_ptr<T, deleter> handle_;
};

template <class> struct always_false : std::false_type {};

/** The fewbit_type of an element. */
template <class T> constexpr std::uint32_t type_of() {
    using U = std::remove_cv_t<T>;
    if constexpr (std::is_same_v<U, float>) {
        return FEWBIT_TYPE_F32;
    } else if constexpr (std::is_same_v<U, double>) {
        return FEWBIT_TYPE_F64;
    } else if constexpr (std::is_integral_v<U> && !std::is_same_v<U, bool>) {
        constexpr bool is_signed = std::is_signed_v<U>;
        if constexpr (sizeof(U) == 1) {
            return is_signed ? FEWBIT_TYPE_I8 : FEWBIT_TYPE_U8;
        } else if constexpr (sizeof(U) == 2) {
            return is_signed ? FEWBIT_TYPE_I16 : FEWBIT_TYPE_U16;
        } else if constexpr (sizeof(U) == 4) {
            return is_signed ? FEWBIT_TYPE_I32 : FEWBIT_TYPE_U32;
        } else {
            return is_signed ? FEWBIT_TYPE_I64 : FEWBIT_TYPE_U64;
        }
    } else {
        static_assert(always_false<U>::value, "fewbit: elements are integers, float or double");
    }
}

} // namespace detail

/** A view of elements that lie one after the other: of a vector, an array, or a pointer and a length. */
template <class T> class span {
public:
    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N> constexpr span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    template <class C, class = std::enable_if_t<std::is_convertible_v<decltype(std::declval<C &>().data()), T *>>>
    constexpr span(C &&container) noexcept : data_(container.data()), size_(container.size()) {}

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr T &operator[](std::size_t i) const { return data_[i]; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

/** A view of a matrix: element (i, j) is at data + i * row_stride + j * col_stride. */
template <class T> class matrix {
public:
    /** Rows one after the other. */
    matrix(T *data, std::size_t rows, std::size_t cols) : matrix(data, rows, cols, cols, 1) {}
    matrix(T *data, std::size_t rows, std::size_t cols, std::size_t row_stride, std::size_t col_stride)
        : view_{const_cast<std::remove_cv_t<T> *>(data), detail::type_of<T>(), rows, cols, row_stride, col_stride} {}
    /** Rows one after the other; throws where there are not as many elements. */
    matrix(span<T> elements, std::size_t rows, std::size_t cols) : matrix(elements.data(), rows, cols) {
        if (cols != 0 && (elements.size() % cols != 0 || elements.size() / cols != rows)) {
            throw error(FEWBIT_STATUS_ERROR_LENGTH, std::to_string(elements.size()) + " elements are not " +
                                                        std::to_string(rows) + " rows of " + std::to_string(cols));
        }
    }
    const fewbit_matrix *get() const noexcept { return &view_; }
    std::size_t rows() const noexcept { return view_.rows; }
    std::size_t cols() const noexcept { return view_.cols; }

private:
    fewbit_matrix view_;
};

/** A code and the flags of what made it. */
struct coded {
    std::uint64_t code;
    std::uint32_t flags;
};

inline std::string version() { return fewbit_version(); }

/** Threads that arrays and products run on. */
class threads : public detail::owner<fewbit_threads, fewbit_threads_free> {
public:
    explicit threads(std::uint32_t count) : owner(fewbit_threads_new(count)) {}
};

namespace detail {
inline const fewbit_threads *pool(const threads *on) { return on == nullptr ? nullptr : on->get(); }
} // namespace detail

class policy : public detail::owner<fewbit_policy, fewbit_policy_free> {
public:
    explicit policy(const std::string &text) : owner(fewbit_policy_new(text.c_str())) {}
};

class format : public detail::owner<fewbit_format, fewbit_format_free> {
public:
    explicit format(const std::string &name) : owner(fewbit_format_new(name.c_str())) {}

    std::string name() const { return fewbit_format_name(get()); }
    std::uint32_t bits() const { return fewbit_format_bits(get()); }

    coded encode(const policy &p, double x, std::uint32_t random = 0) const {
        return result([&](std::uint64_t *to) { return fewbit_encode(get(), p.get(), x, random, to); });
    }
    double decode(std::uint64_t code) const {
        double x = 0;
        detail::check(fewbit_decode(get(), code, &x));
        return x;
    }
    coded convert(std::uint64_t code, const format &to, const policy &p, std::uint32_t random = 0) const {
        return result([&](std::uint64_t *r) { return fewbit_convert(get(), code, to.get(), p.get(), random, r); });
    }
    coded add(const policy &p, std::uint64_t a, std::uint64_t b, std::uint32_t random = 0) const {
        return result([&](std::uint64_t *r) { return fewbit_add(get(), p.get(), a, b, random, r); });
    }
    coded sub(const policy &p, std::uint64_t a, std::uint64_t b, std::uint32_t random = 0) const {
        return result([&](std::uint64_t *r) { return fewbit_sub(get(), p.get(), a, b, random, r); });
    }
    coded mul(const policy &p, std::uint64_t a, std::uint64_t b, std::uint32_t random = 0) const {
        return result([&](std::uint64_t *r) { return fewbit_mul(get(), p.get(), a, b, random, r); });
    }
    coded div(const policy &p, std::uint64_t a, std::uint64_t b, std::uint32_t random = 0) const {
        return result([&](std::uint64_t *r) { return fewbit_div(get(), p.get(), a, b, random, r); });
    }
    coded sqrt(const policy &p, std::uint64_t a, std::uint32_t random = 0) const {
        return result([&](std::uint64_t *r) { return fewbit_sqrt(get(), p.get(), a, random, r); });
    }
    coded fma(const policy &p, std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint32_t random = 0) const {
        return result([&](std::uint64_t *r) { return fewbit_fma(get(), p.get(), a, b, c, random, r); });
    }

    /** The codes of all values, of any integer type, float or double. */
    template <class X, class C>
    void encode(const policy &p, span<X> x, span<C> codes, std::uint64_t seed = 0, const threads *on = nullptr) const {
        same(x.size(), codes.size());
        detail::check(fewbit_encode_array(get(), p.get(), seed, 0, x.data(), detail::type_of<X>(), x.size(),
                                          codes.data(), detail::type_of<C>(), detail::pool(on)));
    }
    /** The values of all codes. */
    template <class C, class X> void decode(span<C> codes, span<X> x, const threads *on = nullptr) const {
        same(codes.size(), x.size());
        detail::check(fewbit_decode_array(get(), codes.data(), detail::type_of<C>(), codes.size(), x.data(),
                                          detail::type_of<X>(), detail::pool(on)));
    }

private:
    template <class F> static coded result(F function) {
        std::uint64_t code = 0;
        std::uint32_t flags = detail::check(function(&code));
        return {code, flags};
    }
    static void same(std::size_t from, std::size_t to) {
        if (from != to) {
            throw error(FEWBIT_STATUS_ERROR_LENGTH,
                        std::to_string(from) + " elements, and room for " + std::to_string(to));
        }
    }
};

class accumulator : public detail::owner<fewbit_accumulator, fewbit_accumulator_free> {
public:
    explicit accumulator(const std::string &text) : owner(fewbit_accumulator_new(text.c_str())) {}
    std::uint32_t stages() const { return fewbit_accumulator_stages(get()); }
    std::string text() const { return fewbit_accumulator_text(get()); }
};

class machine : public detail::owner<fewbit_machine, fewbit_machine_free> {
public:
    /** Of products. */
    explicit machine(const accumulator &acc) : owner(fewbit_machine_new(acc.get())) {}
    /** Of codes. */
    machine(const accumulator &acc, const format &a, const format &b)
        : owner(fewbit_machine_for(acc.get(), a.get(), b.get())) {}
    /** Of codes under block scales. */
    machine(const accumulator &acc, const format &a, const format &scale_a, const format &b, const format &scale_b)
        : owner(fewbit_machine_for_scaled(acc.get(), a.get(), scale_a.get(), b.get(), scale_b.get())) {}

    std::uint32_t push(std::int64_t product) { return detail::check(fewbit_machine_push(get(), product)); }
    std::uint32_t push_codes(std::uint64_t a, std::uint64_t b) {
        return detail::check(fewbit_machine_push_codes(get(), a, b));
    }
    std::uint32_t push_scaled(std::uint64_t a, std::uint64_t scale_a, std::uint64_t b, std::uint64_t scale_b) {
        return detail::check(fewbit_machine_push_scaled(get(), a, scale_a, b, scale_b));
    }
    std::uint32_t push(span<const std::int64_t> products) {
        return detail::check(fewbit_machine_push_group(get(), products.data(), products.size()));
    }
    std::uint32_t drain() { return detail::check(fewbit_machine_drain(get())); }
    void reset(std::int64_t start = 0) { detail::check(fewbit_machine_reset(get(), start)); }

    std::int64_t value() const {
        std::int64_t found = 0;
        detail::check(fewbit_machine_value(get(), &found));
        return found;
    }
    double real() const {
        double found = 0;
        detail::check(fewbit_machine_real(get(), &found));
        return found;
    }
    std::uint64_t code() const {
        std::uint64_t found = 0;
        detail::check(fewbit_machine_code(get(), &found));
        return found;
    }
    std::int64_t stage(std::uint32_t index) const {
        std::int64_t found = 0;
        detail::check(fewbit_machine_stage(get(), index, &found));
        return found;
    }
    std::uint64_t events(std::uint32_t stage) const {
        std::uint64_t found = 0;
        detail::check(fewbit_machine_events(get(), stage, &found));
        return found;
    }
    void record(std::uint32_t steps) { detail::check(fewbit_machine_record(get(), steps)); }
    std::string steps() const { return fewbit_machine_steps(get()); }
};

/** Machines that step together. */
class machine_array : public detail::owner<fewbit_array, fewbit_array_free> {
public:
    machine_array(const accumulator &acc, std::uint32_t rows, std::uint32_t cols)
        : owner(fewbit_array_new(acc.get(), rows, cols)), rows_(rows), cols_(cols) {}
    std::uint32_t rows() const noexcept { return rows_; }
    std::uint32_t cols() const noexcept { return cols_; }

    void push_outer(span<const int> column, span<const int> row) {
        same(column.size(), rows_);
        same(row.size(), cols_);
        detail::check(fewbit_array_push_outer(get(), column.data(), row.data()));
    }
    void push_products(span<const std::int64_t> products) {
        same(products.size(), std::size_t{rows_} * cols_);
        detail::check(fewbit_array_push_products(get(), products.data()));
    }
    void drain() { detail::check(fewbit_array_drain(get())); }
    void reset() { detail::check(fewbit_array_reset(get())); }
    std::vector<std::int64_t> values() const {
        std::vector<std::int64_t> found(std::size_t{rows_} * cols_);
        detail::check(fewbit_array_values(get(), found.data()));
        return found;
    }
    std::vector<std::uint64_t> events(std::uint32_t stage) const {
        std::vector<std::uint64_t> found(std::size_t{rows_} * cols_);
        detail::check(fewbit_array_all_events(get(), stage, found.data()));
        return found;
    }

private:
    static void same(std::size_t found, std::size_t expected) {
        if (found != expected) {
            throw error(FEWBIT_STATUS_ERROR_LENGTH,
                        std::to_string(found) + " elements where " + std::to_string(expected) + " are taken");
        }
    }
    std::uint32_t rows_;
    std::uint32_t cols_;
};

/** A right operand that is packed once. */
class packed : public detail::owner<fewbit_packed, fewbit_packed_free> {
public:
    template <class B> explicit packed(const matrix<B> &b) : owner(fewbit_packed_new(b.get())) {}
};

/** out = a b through an accumulator; at the level of events and above a report per stage, innermost first. */
template <class A, class B, class T>
std::vector<fewbit_stage_report> matmul(const accumulator &acc, const matrix<A> &a, const matrix<B> &b,
                                        const matrix<T> &out, std::uint32_t level = FEWBIT_REPORT_LEVEL_NONE,
                                        const threads *on = nullptr) {
    std::vector<fewbit_stage_report> reports(level == FEWBIT_REPORT_LEVEL_NONE ? 0 : acc.stages());
    detail::check(fewbit_matmul(acc.get(), a.get(), b.get(), nullptr, out.get(), level, reports.data(),
                                detail::pool(on)));
    return reports;
}

template <class A, class T>
std::vector<fewbit_stage_report> matmul(const accumulator &acc, const matrix<A> &a, const packed &b,
                                        const matrix<T> &out, std::uint32_t level = FEWBIT_REPORT_LEVEL_NONE,
                                        const threads *on = nullptr) {
    std::vector<fewbit_stage_report> reports(level == FEWBIT_REPORT_LEVEL_NONE ? 0 : acc.stages());
    detail::check(fewbit_matmul_packed(acc.get(), a.get(), b.get(), nullptr, out.get(), level, reports.data(),
                                       detail::pool(on)));
    return reports;
}

/** A sum of products through an accumulator. */
template <class A, class B> std::int64_t dot(const accumulator &acc, span<A> a, span<B> b) {
    if (a.size() != b.size()) {
        throw error(FEWBIT_STATUS_ERROR_LENGTH, std::to_string(a.size()) + " and " + std::to_string(b.size()) +
                                                    " factors");
    }
    std::int64_t value = 0;
    detail::check(fewbit_dot(acc.get(), a.data(), detail::type_of<A>(), b.data(), detail::type_of<B>(), a.size(),
                             &value, FEWBIT_REPORT_LEVEL_NONE, nullptr));
    return value;
}

class requantizer : public detail::owner<fewbit_requantizer, fewbit_requantizer_free> {
public:
    /** One multiplier and one shift. */
    requantizer(const std::string &policy, const format &out, std::int32_t multiplier, std::int32_t shift)
        : owner(fewbit_requantizer_new(policy.c_str(), out.get(), multiplier, shift)) {}
    /** Real scales. */
    requantizer(const std::string &policy, const format &out, span<const double> scales)
        : owner(fewbit_requantizer_of_scales(policy.c_str(), out.get(), scales.data(), scales.size())) {}

    void zero_point(std::int64_t value) { detail::check(fewbit_requantizer_set_zero_point(get(), value)); }
    void bias(std::int64_t value) { detail::check(fewbit_requantizer_set_bias(get(), value)); }
    std::int64_t run(std::int64_t value, std::uint64_t index = 0) const {
        std::int64_t found = 0;
        detail::check(fewbit_requantizer_run(get(), index, value, &found));
        return found;
    }
    template <class X, class O> void run(span<X> values, span<O> results, const threads *on = nullptr) const {
        if (values.size() != results.size()) {
            throw error(FEWBIT_STATUS_ERROR_LENGTH, std::to_string(values.size()) + " values, and room for " +
                                                        std::to_string(results.size()));
        }
        detail::check(fewbit_requantizer_run_array(get(), values.data(), detail::type_of<X>(), values.size(),
                                                   results.data(), detail::type_of<O>(), detail::pool(on)));
    }
};

class table : public detail::owner<fewbit_table, fewbit_table_free> {
public:
    explicit table(const std::string &text) : owner(fewbit_table_new(text.c_str())) {}
    std::uint64_t run(std::uint64_t code) const {
        std::uint64_t found = 0;
        detail::check(fewbit_table_run(get(), code, &found));
        return found;
    }
    std::vector<std::uint32_t> entries() const {
        std::vector<std::uint32_t> found(fewbit_table_length(get()));
        detail::check(fewbit_table_entries(get(), found.data(), found.size()));
        return found;
    }
};

/** Codes of groups that share scales. */
struct grouped {
    std::vector<std::uint32_t> codes;
    std::vector<std::uint32_t> scales;
    std::vector<std::uint32_t> zero_points;
    std::vector<std::uint32_t> outer_scales;
};

class group : public detail::owner<fewbit_group, fewbit_group_free> {
public:
    group(const std::string &name, const std::string &preset)
        : owner(fewbit_group_new(name.c_str(), preset.c_str())) {}
    std::uint32_t size() const { return fewbit_group_size(get()); }

    grouped encode(span<const float> x, const fewbit_group_layout &layout, std::uint64_t seed = 0) const {
        grouped found = room(x.size(), layout);
        detail::check(fewbit_group_encode(get(), seed, x.data(), &layout, found.codes.data(), FEWBIT_TYPE_U32,
                                          found.scales.data(), found.zero_points.data(), found.outer_scales.data(),
                                          nullptr));
        return found;
    }
    std::vector<float> decode(const grouped &from, const fewbit_group_layout &layout) const {
        grouped sizes = room(from.codes.size(), layout);
        if (sizes.scales.size() != from.scales.size() || sizes.outer_scales.size() != from.outer_scales.size() ||
            from.zero_points.size() != from.scales.size()) {
            throw error(FEWBIT_STATUS_ERROR_LENGTH, "scales are not as many as the layout says");
        }
        std::vector<float> x(from.codes.size());
        detail::check(fewbit_group_decode(get(), from.codes.data(), FEWBIT_TYPE_U32, &layout, from.scales.data(),
                                          from.zero_points.data(), from.outer_scales.data(), x.data(), nullptr));
        return x;
    }

private:
    grouped room(std::size_t elements, const fewbit_group_layout &layout) const {
        std::size_t scales = 0;
        std::size_t outer = 0;
        detail::check(fewbit_group_scales(get(), &layout, &scales, &outer));
        if (elements != layout.before * layout.length * layout.behind) {
            throw error(FEWBIT_STATUS_ERROR_LENGTH,
                        std::to_string(elements) + " elements are not those of the layout");
        }
        grouped found;
        found.codes.resize(elements);
        found.scales.resize(scales);
        found.zero_points.resize(scales);
        found.outer_scales.resize(outer);
        return found;
    }
};

} // namespace fewbit

#endif /* FEWBIT_HPP */
