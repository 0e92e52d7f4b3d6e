// The C++ header, by hand.
#include <fewbit.hpp>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

static int failures = 0;

static void check(int line, bool holds) {
    if (!holds) {
        std::printf("%s:%d does not hold\n", __FILE__, line);
        failures++;
    }
}
#define CHECK(condition) check(__LINE__, (condition))

int main() {
    const fewbit::format e4m3("e4m3fn"), bf16("bf16");
    const fewbit::policy nearest("ties-even,saturate");
    const auto three = e4m3.encode(nearest, 3.1);
    CHECK(three.code == 0x44 && three.flags == FEWBIT_STATUS_INEXACT);
    CHECK(e4m3.decode(0x44) == 3.0 && e4m3.name() == "e4m3fn" && e4m3.bits() == 8);
    CHECK(e4m3.convert(0x44, bf16, nearest).code == 0x4040);
    CHECK(e4m3.fma(nearest, 0x44, 0x44, 0x38).code == 0x52);

    const std::vector<float> x{1.0f, -2.5f, 1000.0f};
    std::vector<std::uint8_t> codes(3);
    std::array<double, 3> back{};
    e4m3.encode(nearest, fewbit::span<const float>(x), fewbit::span<std::uint8_t>(codes));
    e4m3.decode(fewbit::span<std::uint8_t>(codes), fewbit::span<double>(back));
    CHECK(back[0] == 1.0 && back[1] == -2.5 && back[2] == 448.0);

    const fewbit::accumulator acc("int8-sat");
    fewbit::machine mac(acc);
    mac.record(4);
    mac.push(100);
    CHECK(mac.push(100) == FEWBIT_STATUS_OVERFLOW && mac.value() == 127 && mac.events(0) == 1);
    CHECK(mac.steps().find("overflow") != std::string::npos);
    fewbit::machine moved = std::move(mac);
    CHECK(moved.value() == 127);

    const std::array<std::int8_t, 3> a{100, 100, -50}, b{1, 1, 1};
    std::array<std::int32_t, 1> out{};
    const auto reports = fewbit::matmul(acc, fewbit::matrix<const std::int8_t>(a.data(), 1, 3),
                                        fewbit::matrix<const std::int8_t>(b.data(), 3, 1),
                                        fewbit::matrix<std::int32_t>(out.data(), 1, 1), FEWBIT_REPORT_LEVEL_FULL);
    CHECK(out[0] == 77 && reports.size() == 1 && reports[0].events == 1 && reports[0].required_bits == 9);
    CHECK(fewbit::dot(acc, fewbit::span<const std::int8_t>(a), fewbit::span<const std::int8_t>(b)) == 77);

    fewbit::machine_array tile(acc, 1, 2);
    const int column[1] = {20};
    const int row[2] = {10, 2};
    tile.push_outer(column, row);
    CHECK((tile.values() == std::vector<std::int64_t>{127, 40}));
    CHECK((tile.events(0) == std::vector<std::uint64_t>{1, 0}));

    const fewbit::format int8("int8");
    const fewbit::requantizer tosa("tosa32", int8, 3 << 29, 32);
    CHECK(tosa.run(100) == 38);
    const fewbit::group mxfp4("mxfp4", "ocp-1.0");
    const std::array<float, 3> values{12.0f, -4.0f, 1.0f};
    const auto grouped = mxfp4.encode(fewbit::span<const float>(values), {1, 3, 1});
    CHECK(grouped.scales.size() == 1 && grouped.scales[0] == 128);
    CHECK((mxfp4.decode(grouped, {1, 3, 1}) == std::vector<float>{12.0f, -4.0f, 1.0f}));
    CHECK(fewbit::table("sigmoid,in=int8*0.0625,out=uint8*0.00390625").run(0) == 128);

    bool thrown = false;
    try {
        fewbit::format unknown("e4m3xx");
    } catch (const fewbit::error &error) {
        thrown = std::string(error.what()).find("e4m3xx") != std::string::npos;
    }
    CHECK(thrown);
    try {
        fewbit::machine_array(acc, 1, 2).push_outer(row, row);
        CHECK(false);
    } catch (const fewbit::error &error) {
        CHECK(error.status() == FEWBIT_STATUS_ERROR_LENGTH);
    }
    std::printf("%d failures\n", failures);
    return failures != 0;
}
