#include "common/image/jpeg/dc_seam.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace millrace {

std::size_t DcCoefficients::BlocksInMcu() const {
  std::size_t blocks = 0;
  for (const Part& part : parts) blocks += static_cast<std::size_t>(part.h) * part.v;
  return blocks;
}

namespace {

// A leg has at least so many MCUs.
constexpr int kShortestLeg = 4;
constexpr int kFewestColumns = 2 * kShortestLeg + 4;
constexpr int kFewestRows = 6;
// MCUs beside the corner that are looked at by themselves.
constexpr int kNear = 8;
// Places of each component that are looked at closely.
constexpr std::size_t kCandidates = 4;
constexpr float kLeastScore = 0.1F;
// The jump, in usual steps between rows.
constexpr int kFewestTimes = 5;
// That are met again on a seam's other side.
constexpr int kFewestLevels = 4;

using Row = std::vector<int>;
using Values = std::span<const int>;

int MedianOf(std::vector<int>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

int Median(Values values) {
  std::vector<int> copy(values.begin(), values.end());
  return MedianOf(copy);
}

int MedianDistance(Values values, int from) {
  std::vector<int> copy;
  copy.reserve(values.size());
  for (const int value : values) copy.push_back(std::abs(value - from));
  return MedianOf(copy);
}

// The rows of a component's blocks that border on another row of MCUs.
class Plane {
 public:
  Plane(const DcCoefficients& dcs, std::size_t number, std::int64_t columns, std::int64_t rows)
      : part_(dcs.parts[number]),
        width_(static_cast<std::size_t>(columns) * part_.h),
        rows_(static_cast<std::size_t>(rows)) {
    std::size_t first = 0;
    for (std::size_t i = 0; i < number; ++i)
      first += static_cast<std::size_t>(dcs.parts[i].h) * dcs.parts[i].v;
    top_.resize(width_ * rows_);
    Fill(dcs, first, top_);
    if (part_.v == 1) return;
    bottom_.resize(width_ * rows_);
    Fill(dcs, first + static_cast<std::size_t>(part_.h) * (part_.v - 1), bottom_);
  }

  [[nodiscard]] int h() const { return part_.h; }
  [[nodiscard]] int step() const { return part_.step; }
  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] std::size_t rows() const { return rows_; }

  // Of a row of MCUs.
  [[nodiscard]] const std::int16_t* Top(std::size_t row) const {
    return top_.data() + row * width_;
  }
  [[nodiscard]] const std::int16_t* Bottom(std::size_t row) const {
    return (part_.v == 1 ? top_ : bottom_).data() + row * width_;
  }

  // How the blocks below the border between the rows of MCUs `row` - 1 and `row` differ from those
  // above, less what the differences nearby let expect: that share, in quarters. Where an MCU has
  // one row of blocks the neighbouring border is asked, above or below.
  void Residual(std::size_t row, bool above, int quarters, Row& out) const {
    const std::int16_t* const upper = Bottom(row - 1);
    const std::int16_t* const lower = Top(row);
    out.resize(width_);
    if (part_.v > 1) {
      const std::int16_t* const upper_top = Top(row - 1);
      const std::int16_t* const lower_bottom = Bottom(row);
      const int divisor = 4 * (part_.v - 1);
      if (divisor == 4) {
        for (std::size_t x = 0; x < width_; ++x) {
          const int inner = upper[x] - upper_top[x] + lower_bottom[x] - lower[x];
          out[x] = lower[x] - upper[x] - (quarters * inner >> 2);
        }
        return;
      }
      for (std::size_t x = 0; x < width_; ++x) {
        const int inner = upper[x] - upper_top[x] + lower_bottom[x] - lower[x];
        out[x] = lower[x] - upper[x] - quarters * inner / divisor;
      }
      return;
    }
    const bool up = above ? row > 1 : row + 1 >= rows_;
    const std::int16_t* const other_upper = up ? Top(row - 2) : lower;
    const std::int16_t* const other_lower = up ? upper : Top(row + 1);
    for (std::size_t x = 0; x < width_; ++x) {
      out[x] = lower[x] - upper[x] - (quarters * (other_lower[x] - other_upper[x]) >> 1);
    }
  }

 private:
  void Fill(const DcCoefficients& dcs, std::size_t first, std::vector<std::int16_t>& to) const {
    // Beyond this no sample's DC is; larger ones are told of elsewhere.
    constexpr int kLargest = 4095;
    const std::size_t blocks = dcs.BlocksInMcu();
    const std::int16_t* from = dcs.values.data() + first;
    for (std::size_t at = 0; at < to.size(); from += blocks) {
      for (int i = 0; i < part_.h; ++i) {
        to[at++] = static_cast<std::int16_t>(std::clamp(from[i] * part_.step, -kLargest, kLargest));
      }
    }
  }

  DcCoefficients::Part part_;
  std::size_t width_;
  std::size_t rows_;
  std::vector<std::int16_t> top_;
  std::vector<std::int16_t> bottom_;  // none where it would be the same
};

// What a component's rows usually show.
struct Habits {
  int quarters = 0;  // of the expectation that make the residuals smallest
  int residual = 0;  // a block's, by the median
  int row = 0;       // a whole row's
  int step = 0;      // between blocks side by side that differ: a small one
};

class SeamFinder {
 public:
  SeamFinder(const DcCoefficients& dcs, const JpegScan& scan, std::int64_t restart_interval)
      : scan_(scan),
        columns_(static_cast<std::size_t>(scan.mcus_wide)),
        restart_interval_(restart_interval) {
    for (std::size_t i = 0; i < dcs.parts.size(); ++i) {
      planes_.emplace_back(dcs, i, scan.mcus_wide, scan.mcus_high);
      habits_.push_back(HabitsOf(planes_.back()));
    }
    inverse_.resize(columns_ + 1);
    for (std::size_t i = 1; i <= columns_; ++i) inverse_[i] = 1 / static_cast<float>(i);
  }

  std::optional<DcSeam> Find() {
    std::optional<DcSeam> best;
    for (std::size_t part = 0; part < planes_.size(); ++part) {
      std::vector<DcSeam> seams;
      for (const Candidate& candidate : Candidates(part)) {
        if (const auto seam = Verified(part, candidate)) seams.push_back(*seam);
      }
      // A seam and its opposite are the borders of something in the picture: of a selection of
      // text.
      for (const DcSeam& seam : seams) {
        const bool ends = std::any_of(seams.begin(), seams.end(), [&](const DcSeam& other) {
          return seam.levels * other.levels < 0 &&
                 std::abs(seam.levels + other.levels) < 0.3 * std::abs(seam.levels);
        });
        if (!ends && (!best || seam.times > best->times)) best = seam;
      }
    }
    return best;
  }

 private:
  struct Candidate {
    std::size_t row = 0;
    std::size_t column = 0;
    float score = 0;
  };

  static Habits HabitsOf(const Plane& plane) {
    constexpr std::size_t kRows = 24;
    Habits habits;
    const std::size_t stride = (plane.rows() - 1) / kRows + 1;
    Row row;
    std::vector<int> sizes;
    std::vector<int> medians;
    for (const int quarters : {2, 1, 0}) {
      sizes.clear();
      for (std::size_t i = 1; i < plane.rows(); i += stride) {
        plane.Residual(i, true, quarters, row);
        for (const int value : row) sizes.push_back(std::abs(value));
      }
      const int median = MedianOf(sizes);
      if (quarters < 2 && median >= habits.residual) continue;
      habits.quarters = quarters;
      habits.residual = median;
    }
    sizes.clear();
    for (std::size_t i = 1; i < plane.rows(); i += stride) {
      plane.Residual(i, true, habits.quarters, row);
      medians.push_back(std::abs(MedianOf(row)));
      const std::int16_t* const top = plane.Top(i);
      for (std::size_t x = 1; x < plane.width(); ++x) {
        if (top[x] != top[x - 1]) sizes.push_back(std::abs(top[x] - top[x - 1]));
      }
    }
    habits.residual = std::max(habits.residual, plane.step());
    habits.row = std::max({MedianOf(medians), plane.step() / 2, 1});
    habits.step = plane.step();
    if (!sizes.empty()) {
      const auto small = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 10);
      std::nth_element(sizes.begin(), small, sizes.end());
      habits.step = std::max(habits.step, *small);
    }
    return habits;
  }

  // The sums of a row's residuals, each within the habit, up to each MCU; kNear more on both sides.
  void AddUp(const Plane& plane, const Habits& habits, std::size_t row, bool above,
             std::vector<float>& sums) {
    plane.Residual(row, above, habits.quarters, row_);
    sums.assign(columns_ + 1 + 2 * kNear + 1, 0);
    const auto h = static_cast<std::size_t>(plane.h());
    const float scale = 1 / static_cast<float>(habits.residual * plane.h());
    int sum = 0;
    for (std::size_t x = 0; x < columns_; ++x) {
      for (std::size_t i = 0; i < h; ++i) {
        sum += std::clamp(row_[x * h + i], -habits.residual, habits.residual);
      }
      sums[kNear + x + 1] = static_cast<float>(sum) * scale;
    }
    std::fill(sums.begin() + static_cast<std::ptrdiff_t>(kNear + columns_ + 1), sums.end(),
              sums[kNear + columns_]);
  }

  // The places where the seam is most likely to begin, if anywhere.
  std::vector<Candidate> Candidates(std::size_t part) {
    const Plane& plane = planes_[part];
    std::vector<Candidate> best;
    std::vector<float> upper;
    std::vector<float> lower;
    for (std::size_t row = 1; row + 1 < plane.rows(); ++row) {
      // The border above the row of the damage, and the one below: of both, what is expected comes
      // from the side where there is no seam.
      AddUp(plane, habits_[part], row, true, upper);
      AddUp(plane, habits_[part], row + 1, false, lower);
      const float* const a = upper.data() + kNear;
      const float* const b = lower.data() + kNear;
      for (std::size_t x = kShortestLeg; x + kShortestLeg < columns_; ++x) {
        const float right = (a[columns_] - a[x + 1]) * inverse_[columns_ - x - 1];
        const float left = b[x] * inverse_[x];
        if (right * left <= 0 || std::min(std::abs(right), std::abs(left)) < kLeastScore) continue;
        const float score = Score(a, b, x, right, left);
        if (score >= kLeastScore) Keep({row, x, score}, best);
      }
    }
    return best;
  }

  float Score(const float* a, const float* b, std::size_t x, float right, float left) const {
    const float sign = right > 0 ? 1.0F : -1.0F;
    const float beside_left = a[x] * inverse_[x];
    const float beside_right = (b[columns_] - b[x + 1]) * inverse_[columns_ - x - 1];
    const float legs = std::min(sign * right, sign * left) -
                       std::max(std::abs(beside_left), std::abs(beside_right));
    if (legs < kLeastScore) return legs;
    const float before = inverse_[std::min<std::size_t>(kNear, x)];
    const float behind = inverse_[std::min<std::size_t>(kNear, columns_ - x - 1)];
    const auto near = static_cast<std::ptrdiff_t>(kNear);
    const float* const ax = a + x;
    const float* const bx = b + x;
    const float corner =
        std::min(sign * (ax[1 + near] - ax[1]) * behind, sign * (bx[0] - bx[-near]) * before) -
        std::max(std::abs(ax[0] - ax[-near]) * before, std::abs(bx[1 + near] - bx[1]) * behind);
    return std::min(legs, corner + 0.2F);
  }

  void Keep(const Candidate& found, std::vector<Candidate>& best) const {
    for (Candidate& other : best) {
      const std::size_t place = found.row * columns_ + found.column;
      const std::size_t others = other.row * columns_ + other.column;
      if (std::max(place, others) - std::min(place, others) >= kShortestLeg) continue;
      if (found.score > other.score) other = found;
      return;
    }
    if (best.size() < kCandidates) return best.push_back(found);
    const auto least = std::min_element(
        best.begin(), best.end(),
        [](const Candidate& one, const Candidate& other) { return one.score < other.score; });
    if (found.score > least->score) *least = found;
  }

  // The residuals along both borders, and the four parts that a seam makes of them.
  struct Parts {
    Row upper;
    Row lower;
    Values right;  // the legs
    Values left;
    Values beside_left;  // what is no leg
    Values beside_right;
  };
  void Split(std::size_t part, const Candidate& at, Parts& parts) const {
    const Plane& plane = planes_[part];
    plane.Residual(at.row, true, habits_[part].quarters, parts.upper);
    plane.Residual(at.row + 1, false, habits_[part].quarters, parts.lower);
    const auto h = static_cast<std::size_t>(plane.h());
    const std::size_t from = at.column * h;
    parts.right = Values(parts.upper).subspan(from + h);
    parts.left = Values(parts.lower).first(from);
    parts.beside_left = Values(parts.upper).first(from);
    parts.beside_right = Values(parts.lower).subspan(from + h);
  }

  static Values Begin(Values values, std::size_t count) {
    return values.first(std::min(count, values.size()));
  }
  static Values End(Values values, std::size_t count) {
    return values.last(std::min(count, values.size()));
  }

  std::optional<DcSeam> Verified(std::size_t part, const Candidate& at) const {
    const auto mcu = static_cast<std::int64_t>(at.row * columns_ + at.column);
    // At a restart DC coefficients begin anew, and the seam ends.
    if (restart_interval_ > 0 && (mcu / restart_interval_ + 1) * restart_interval_ <
                                     static_cast<std::int64_t>((at.row + 2) * columns_)) {
      return {};
    }
    const Plane& plane = planes_[part];
    const Habits& habits = habits_[part];
    Parts parts;
    Split(part, at, parts);
    std::vector<int> legs(parts.right.begin(), parts.right.end());
    legs.insert(legs.end(), parts.left.begin(), parts.left.end());
    const int jump = Median(legs);
    const int size = std::abs(jump);
    const int sign = jump < 0 ? -1 : 1;
    const int right = Median(parts.right);
    const int left = Median(parts.left);
    if (size < 2 * habits.step) return {};
    if (10 * std::abs(right - left) > std::max(3 * size, 10 * plane.step())) return {};
    const int beside =
        std::max(std::abs(Median(parts.beside_left)), std::abs(Median(parts.beside_right)));
    if (10 * beside > std::max(3 * size, 5 * plane.step())) return {};
    const auto near = static_cast<std::size_t>(kNear * plane.h());
    if (2 * std::min(sign * Median(Begin(parts.right, near)),
                     sign * Median(End(parts.left, near))) <
        size)
      return {};
    if (2 * std::max(std::abs(Median(End(parts.beside_left, near))),
                     std::abs(Median(Begin(parts.beside_right, near)))) >
        size)
      return {};
    if (2 * MedianDistance(legs, jump) > size) return {};
    if (habits.row * kFewestTimes > size || !CalmAround(part, at, size)) return {};
    if (!GoesOn(part, at, parts, jump)) return {};
    return DcSeam{mcu, jump / 8.0, static_cast<double>(size) / habits.row};
  }

  // Whether no border of rows nearby has a step like that, before the damage's column or behind it.
  [[nodiscard]] bool CalmAround(std::size_t part, const Candidate& at, int size) const {
    constexpr std::size_t kAround = 3;
    const Plane& plane = planes_[part];
    const auto h = static_cast<std::size_t>(plane.h());
    const int most = std::max(2 * size / 5, plane.step() / 2);
    Row row;
    for (std::size_t i = at.row > kAround ? at.row - kAround : 1;
         i < std::min(plane.rows(), at.row + 2 + kAround); ++i) {
      if (i == at.row || i == at.row + 1) continue;
      plane.Residual(i, i < at.row, habits_[part].quarters, row);
      const Values left = Values(row).first(at.column * h);
      const Values right = Values(row).subspan((at.column + 1) * h);
      if (std::max(std::abs(Median(left)), std::abs(Median(right))) > most) return false;
      if (std::max(std::abs(Median(End(left, kNear * h))),
                   std::abs(Median(Begin(right, kNear * h)))) > 3 * most / 2)
        return false;
    }
    return true;
  }

  // Whether the picture goes on across the seam, off by one constant: that is told by blocks of
  // several levels. Two flat areas may border on each other anyhow.
  //
  // Where this component is flat, another may tell that goes on without any jump.
  [[nodiscard]] bool GoesOn(std::size_t part, const Candidate& at, const Parts& parts,
                            int jump) const {
    if (LevelsGoOn(planes_[part], at, parts, jump)) return true;
    for (std::size_t other = 0; other < planes_.size(); ++other) {
      if (other == part) continue;
      Parts others;
      Split(other, at, others);
      if (LevelsGoOn(planes_[other], at, others, 0)) return true;
    }
    return false;
  }

  static bool LevelsGoOn(const Plane& plane, const Candidate& at, const Parts& parts, int jump) {
    struct Block {
      int level;  // above the seam
      int off;    // what is behind it differs from what is expected
    };
    std::vector<Block> blocks;
    std::vector<int> sizes;
    const auto add = [&](std::size_t row, Values residuals, std::size_t begin) {
      const std::int16_t* const above = plane.Bottom(row - 1);
      for (std::size_t i = 0; i < residuals.size(); ++i) {
        blocks.push_back({above[begin + i], residuals[i] - jump});
        sizes.push_back(std::abs(residuals[i] - jump));
      }
    };
    add(at.row, parts.right, plane.width() - parts.right.size());
    add(at.row + 1, parts.left, 0);
    std::sort(blocks.begin(), blocks.end(),
              [](const Block& one, const Block& other) { return one.level < other.level; });
    const int size = std::abs(jump);
    const int apart = std::max({3 * plane.step(), 2 * MedianOf(sizes), size / 4});
    const int most = std::max(plane.step(), size / 3);
    const std::size_t fewest = std::max<std::size_t>(3, blocks.size() / 50);
    int good = 0;
    int bad = 0;
    std::vector<int> off;
    for (std::size_t i = 0; i < blocks.size();) {
      off.clear();
      const int until = blocks[i].level + apart;
      for (; i < blocks.size() && blocks[i].level < until; ++i) off.push_back(blocks[i].off);
      if (off.size() < fewest) continue;
      ++(std::abs(MedianOf(off)) <= most ? good : bad);
    }
    return good >= kFewestLevels && 4 * bad <= good;
  }

  const JpegScan& scan_;
  std::size_t columns_;
  std::int64_t restart_interval_;
  std::vector<Plane> planes_;
  std::vector<Habits> habits_;
  std::vector<float> inverse_;
  Row row_;
};

}  // namespace

std::optional<DcSeam> FindDcSeam(const DcCoefficients& dcs, const JpegScan& scan,
                                 std::int64_t restart_interval) {
  if (scan.mcus_wide < kFewestColumns || scan.mcus_high < kFewestRows) return {};
  if (restart_interval > 0 && restart_interval < 2 * scan.mcus_wide) return {};
  return SeamFinder(dcs, scan, restart_interval).Find();
}

}  // namespace millrace
