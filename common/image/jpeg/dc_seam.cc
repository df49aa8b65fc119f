#include "common/image/jpeg/dc_seam.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "common/image/jpeg/dc_plane.h"

namespace millrace {
namespace {

// Smaller pictures have too few blocks, and a leg of fewer MCUs proves nothing.
constexpr int kMinColumns = 20;
constexpr int kMinRows = 6;
constexpr int kMinLegMcus = 5;
// How many MCUs beside the corner are judged by themselves.
constexpr int kNear = 8;
// How many places of each component are judged closely, and what score a place needs, 0 to 1.
constexpr std::size_t kMaxCandidates = 4;
constexpr float kMinScore = 0.18F;
// A jump's size: 1.5 levels, since rounding to whole levels leaves contours of one level; and in
// units of the usual step between two rows of MCUs.
constexpr int kMinJump = 12;
constexpr int kMinTimes = 5;
// How many levels of the picture continue across the seam.
constexpr int kMinLevels = 4;

// How the residuals of a component are made and weighed.
struct Habits {
  int quarters = 0;  // the share of the expectation that makes the residuals smallest
  int most = 1;      // a block's residual counts up to this
};

class SeamFinder {
 public:
  SeamFinder(const DcCoefficients& dcs, const JpegScan& scan, std::int64_t restart_interval)
      : columns_(static_cast<std::size_t>(scan.mcus_wide)), restart_interval_(restart_interval) {
    for (std::size_t i = 0; i < dcs.parts.size(); ++i) {
      planes_.emplace_back(dcs, i, scan.mcus_wide, scan.mcus_high);
      habits_.push_back(HabitsOf(planes_.back()));
    }
    inverse_.resize(columns_ + 1);
    for (std::size_t i = 1; i <= columns_; ++i) inverse_[i] = 1 / static_cast<float>(i);
    inverse_behind_.assign(inverse_.rbegin() + 1, inverse_.rend());
  }

  std::optional<DcSeam> Find() {
    std::optional<DcSeam> best;
    for (std::size_t part = 0; part < planes_.size(); ++part) {
      const std::vector<Seam> seams = Seams(part);
      for (const Seam& seam : seams) {
        // A seam that an opposite one ends is the border of something in the picture, such as a
        // selection of text.
        const bool ends = std::any_of(seams.begin(), seams.end(), [&](const Seam& other) {
          return 3 * std::abs(seam.jump + other.jump) < std::abs(seam.jump);
        });
        if (ends) continue;
        const auto found = Verified(part, seam);
        if (found && (!best || found->times > best->times)) best = found;
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
  struct Seam {
    Candidate at;
    int jump = 0;
  };

  // Judges by a few rows.
  static Habits HabitsOf(const DcPlane& plane) {
    constexpr std::size_t kRows = 8;
    Habits habits;
    int usual = 0;
    const std::size_t stride = (plane.rows() - 1) / kRows + 1;
    DcRow row;
    std::vector<int> sizes;
    for (const int quarters : {2, 0}) {
      sizes.clear();
      for (std::size_t i = 1; i < plane.rows(); i += stride) {
        plane.Residual(i, true, quarters, row);
        for (std::size_t x = i % 3; x < row.size(); x += 3) sizes.push_back(std::abs(row[x]));
      }
      const int median = std::max(MedianOf(sizes), plane.step());
      if (quarters != 2 && median >= usual) continue;
      habits.quarters = quarters;
      usual = median;
    }
    habits.most = std::min(3 * usual, DcPlane::kLargest);
    return habits;
  }

  // Returns the median step between two rows of MCUs.
  static int UsualStep(const DcPlane& plane, const Habits& habits) {
    std::vector<int> medians;
    DcRow row;
    for (std::size_t i = 1; i < plane.rows(); ++i) {
      plane.Residual(i, true, habits.quarters, row);
      medians.push_back(std::abs(Median(row)));
    }
    return std::max({MedianOf(medians), plane.step() / 8, 1});
  }

  // Returns a small second difference along a row of blocks, of those that are not 0. A picture
  // that was compressed before, more coarsely, has only multiples of that coarser step; its
  // contours follow the blocks, so a jump of one such step proves nothing.
  static int SmallBend(const DcPlane& plane, std::size_t but_row) {
    std::vector<int> sizes;
    for (std::size_t i = 0; i < plane.rows(); ++i) {
      if (i == but_row) continue;
      const std::int16_t* const top = plane.Top(i);
      for (std::size_t x = 2; x < plane.width(); ++x) {
        const int bend = top[x] - 2 * top[x - 1] + top[x - 2];
        if (bend != 0) sizes.push_back(std::abs(bend));
      }
    }
    // A flat picture proves nothing.
    if (sizes.size() < plane.width()) return DcPlane::kLargest;
    const auto small = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 10);
    std::nth_element(sizes.begin(), small, sizes.end());
    return std::max(*small, plane.step());
  }

  // Writes the sum of a border's residuals up to each column of MCUs. Each residual counts up to
  // habits.most. `sums` has kNear entries before the first column and behind the last.
  void AddUp(const DcPlane& plane, const Habits& habits, std::size_t row, bool above,
             std::vector<int>& sums) {
    plane.Residual(row, above, habits.quarters, row_);
    const auto most = static_cast<std::int16_t>(habits.most);
    for (std::int16_t& value : row_) {
      value = value < most ? value : most;
      value = value > -most ? value : static_cast<std::int16_t>(-most);
    }
    const std::int16_t* value = row_.data();
    int* const to = sums.data() + kNear + 1;
    int* const end = to + columns_;
    int sum = 0;
    if (plane.h() == 1) {
      for (int* at = to; at < end; ++at) *at = sum += *value++;
    } else if (plane.h() == 2) {
      for (int* at = to; at < end; ++at, value += 2) *at = sum += value[0] + value[1];
    } else {
      for (int* at = to; at < end; ++at) {
        for (int i = 0; i < plane.h(); ++i) sum += *value++;
        *at = sum;
      }
    }
    std::fill_n(end, kNear, sum);
  }

  // Returns the places where a seam most likely begins.
  std::vector<Candidate> Candidates(std::size_t part) {
    const DcPlane& plane = planes_[part];
    std::vector<Candidate> best;
    std::vector<int> upper(columns_ + 1 + 2 * kNear);
    std::vector<int> lower(upper.size());
    std::vector<float> scores(columns_);
    const float unit = 1 / static_cast<float>(habits_[part].most * plane.h());
    for (std::size_t row = 1; row + 1 < plane.rows(); ++row) {
      // The borders above and below the damaged row of MCUs. The expectation comes from the side
      // that the seam does not touch.
      if (plane.v() > 1 && row > 1) {
        upper.swap(lower);  // the same residuals
      } else {
        AddUp(plane, habits_[part], row, true, upper);
      }
      AddUp(plane, habits_[part], row + 1, false, lower);
      const int* const a = upper.data() + kNear;
      const int* const b = lower.data() + kNear;
      ScoreLegs(a, b, unit, scores);
      for (std::size_t x = kMinLegMcus; x + kMinLegMcus < columns_; ++x) {
        if (scores[x] < kMinScore) continue;
        const float score = std::min(scores[x], ScoreCorner(a, b, x) * unit + 0.2F);
        if (score >= kMinScore) Keep({row, x, score}, best);
      }
    }
    return best;
  }

  // Scores a seam that begins at each column: by how much both legs jump, and the rest of the two
  // borders does not.
  void ScoreLegs(const int* a, const int* b, float unit, std::vector<float>& scores) const {
    const float* const before = inverse_.data();
    const float* const behind = inverse_behind_.data();
    const int whole_a = a[columns_];
    const int whole_b = b[columns_];
    float* const to = scores.data();
    const float half = unit / 2;
    for (std::size_t x = 0; x < columns_; ++x) {
      const float right = static_cast<float>(whole_a - a[x + 1]) * behind[x];
      const float left = static_cast<float>(b[x]) * before[x];
      const float beside_left = static_cast<float>(a[x]) * before[x];
      const float beside_right = static_cast<float>(whole_b - b[x + 1]) * behind[x];
      // Twice the smaller leg (below 0 if the legs differ in sign), less twice the larger rest.
      to[x] = half * (std::abs(right + left) - std::abs(right - left) -
                      std::abs(beside_left + beside_right) - std::abs(beside_left - beside_right));
    }
  }

  // The same score, by the MCUs close to the corner alone.
  [[nodiscard]] float ScoreCorner(const int* a, const int* b, std::size_t x) const {
    const float before = inverse_[std::min<std::size_t>(kNear, x)];
    const float behind = inverse_[std::min<std::size_t>(kNear, columns_ - x - 1)];
    const auto near = static_cast<std::ptrdiff_t>(kNear);
    const int* const ax = a + x;
    const int* const bx = b + x;
    const float sign = b[x] > 0 ? 1.0F : -1.0F;
    const float right = sign * static_cast<float>(ax[1 + near] - ax[1]) * behind;
    const float left = sign * static_cast<float>(bx[0] - bx[-near]) * before;
    const float beside_left = std::abs(static_cast<float>(ax[0] - ax[-near])) * before;
    const float beside_right = std::abs(static_cast<float>(bx[1 + near] - bx[1])) * behind;
    return std::min(right, left) - std::max(beside_left, beside_right);
  }

  void Keep(const Candidate& found, std::vector<Candidate>& best) const {
    for (Candidate& other : best) {
      const std::size_t place = found.row * columns_ + found.column;
      const std::size_t others = other.row * columns_ + other.column;
      if (std::max(place, others) - std::min(place, others) >= kNear) continue;
      if (found.score > other.score) other = found;
      return;
    }
    if (best.size() < kMaxCandidates) return best.push_back(found);
    const auto least = std::min_element(
        best.begin(), best.end(),
        [](const Candidate& one, const Candidate& other) { return one.score < other.score; });
    if (found.score > least->score) *least = found;
  }

  // The residuals along both borders, in the four parts that a seam makes of them.
  struct Parts {
    DcRow upper;
    DcRow lower;
    DcValues right;  // the legs
    DcValues left;
    DcValues beside_left;  // the rest of the borders
    DcValues beside_right;
  };
  void Split(std::size_t part, const Candidate& at, Parts& parts) const {
    const DcPlane& plane = planes_[part];
    plane.Residual(at.row, true, habits_[part].quarters, parts.upper);
    plane.Residual(at.row + 1, false, habits_[part].quarters, parts.lower);
    const auto h = static_cast<std::size_t>(plane.h());
    const std::size_t from = at.column * h;
    parts.right = DcValues(parts.upper).subspan(from + h);
    parts.left = DcValues(parts.lower).first(from);
    parts.beside_left = DcValues(parts.upper).first(from);
    parts.beside_right = DcValues(parts.lower).subspan(from + h);
  }

  static DcValues Begin(DcValues values, std::size_t count) {
    return values.first(std::min(count, values.size()));
  }
  static DcValues End(DcValues values, std::size_t count) {
    return values.last(std::min(count, values.size()));
  }

  std::vector<Seam> Seams(std::size_t part) {
    std::vector<Seam> seams;
    for (Candidate candidate : Candidates(part)) {
      // The blocks of a few MCUs behind the flipped bit have any value.
      for (const std::size_t further : {0, 1, 1, 2}) {
        candidate.column += further;
        if (candidate.column + kMinLegMcus >= columns_) break;
        if (const auto seam = Shaped(part, candidate)) seams.push_back(*seam);
      }
    }
    return seams;
  }

  // Returns the seam that begins there, if the legs have one jump and nothing else has.
  [[nodiscard]] std::optional<Seam> Shaped(std::size_t part, const Candidate& at) const {
    const auto mcu = static_cast<std::int64_t>(at.row * columns_ + at.column);
    // A restart ends the seam: DC coefficients begin anew.
    if (restart_interval_ > 0 && (mcu / restart_interval_ + 1) * restart_interval_ <
                                     static_cast<std::int64_t>((at.row + 2) * columns_)) {
      return {};
    }
    const DcPlane& plane = planes_[part];
    Parts parts;
    Split(part, at, parts);
    std::vector<std::int16_t> legs(parts.right.begin(), parts.right.end());
    legs.insert(legs.end(), parts.left.begin(), parts.left.end());
    const int jump = Median(legs);
    const int size = std::abs(jump);
    // Rounding draws contours in smooth areas, of one step of the quantization or one level.
    if (size < std::max(2 * plane.step(), kMinJump)) return {};
    if (5 * MedianDistance(legs, jump) > 2 * size) return {};
    if (!OnLegsAlone(parts, jump, plane.step())) return {};
    const auto near_by = static_cast<std::size_t>(kNear * plane.h());
    if (!AllAlong(parts, jump, near_by) || !BeginsAtOnce(parts, jump, near_by)) return {};
    if (!StepsOnce(plane, at, at.row, true, size) ||
        !StepsOnce(plane, at, at.row + 1, false, size)) {
      return {};
    }
    if (!CalmAround(part, at, size)) return {};
    return Seam{at, jump};
  }

  // Returns whether both legs jump alike, and the rest of the two borders does not.
  static bool OnLegsAlone(const Parts& parts, int jump, int step) {
    const int size = std::abs(jump);
    const int right = Median(parts.right);
    const int left = Median(parts.left);
    if (10 * std::abs(right - left) > std::max(3 * size, 10 * step)) return false;
    const int beside =
        std::max(std::abs(Median(parts.beside_left)), std::abs(Median(parts.beside_right)));
    if (10 * beside > std::max(3 * size, 5 * step)) return false;
    std::vector<std::int16_t> rest(parts.beside_left.begin(), parts.beside_left.end());
    rest.insert(rest.end(), parts.beside_right.begin(), parts.beside_right.end());
    return 2 * MedianDistance(rest, 0) <= size;
  }

  // Returns whether most sections of `length` blocks are as their leg, or the rest, should be.
  static bool AllAlong(const Parts& parts, int jump, std::size_t length) {
    int alike = 0;
    int unlike = 0;
    const auto count = [&](DcValues values, int expected) {
      for (; values.size() >= length; values = values.subspan(length)) {
        const int off = std::abs(Median(values.first(length)) - expected);
        ++(2 * off <= std::abs(jump) ? alike : unlike);
      }
    };
    count(parts.right, jump);
    count(parts.left, jump);
    count(parts.beside_left, 0);
    count(parts.beside_right, 0);
    return 4 * unlike <= alike;
  }

  // Returns whether the jump begins at once, by `length` blocks on each side of the corner. An edge
  // that is not quite level crosses a row of blocks gradually.
  static bool BeginsAtOnce(const Parts& parts, int jump, std::size_t length) {
    const int size = std::abs(jump);
    const int sign = jump < 0 ? -1 : 1;
    const auto sharp = [&](DcValues leg, DcValues rest) {
      const int with = sign * Median(leg);
      const int without = sign * Median(rest);
      return 2 * with >= size && 2 * std::abs(without) <= size && 10 * (with - without) >= 7 * size;
    };
    return sharp(Begin(parts.right, length), End(parts.beside_left, length)) &&
           sharp(End(parts.left, length), Begin(parts.beside_right, length));
  }

  // Returns the finding, unless the seam may be an edge of the picture.
  [[nodiscard]] std::optional<DcSeam> Verified(std::size_t part, const Seam& seam) const {
    const DcPlane& plane = planes_[part];
    const int size = std::abs(seam.jump);
    Parts parts;
    Split(part, seam.at, parts);
    if (!Continues(plane, seam.at, parts, seam.jump)) return {};
    if (size < 2 * SmallBend(plane, seam.at.row)) return {};
    const int usual = UsualStep(plane, habits_[part]);
    if (size < kMinTimes * usual) return {};
    return DcSeam{static_cast<std::int64_t>(seam.at.row * columns_ + seam.at.column),
                  seam.jump / 8.0, static_cast<double>(size) / usual};
  }

  // Returns whether the rows of blocks next to the border above `row` differ as those further away
  // do, in the columns of the leg. A soft edge takes several rows.
  static bool StepsOnce(const DcPlane& plane, const Candidate& at, std::size_t row, bool right,
                        int size) {
    const auto h = static_cast<std::size_t>(plane.h());
    const std::size_t begin = right ? (at.column + 1) * h : 0;
    const std::size_t end = right ? plane.width() : at.column * h;
    DcRow differences(end - begin);
    const auto step = [&](const std::int16_t* upper, const std::int16_t* lower) {
      for (std::size_t x = begin; x < end; ++x) {
        differences[x - begin] = static_cast<std::int16_t>(lower[x] - upper[x]);
      }
      return Median(differences);
    };
    // Above the border, and below it.
    const bool halves = plane.v() > 1;
    if (row < (halves ? 2U : 3U) || row + (halves ? 1 : 2) >= plane.rows()) return true;
    std::array<int, 4> near;
    if (halves) {
      near = {step(plane.Top(row - 1), plane.Bottom(row - 1)),
              step(plane.Top(row), plane.Bottom(row)),
              step(plane.Bottom(row - 2), plane.Top(row - 1)),
              step(plane.Bottom(row), plane.Top(row + 1))};
    } else {
      near = {step(plane.Top(row - 2), plane.Top(row - 1)),
              step(plane.Top(row), plane.Top(row + 1)),
              step(plane.Top(row - 3), plane.Top(row - 2)),
              step(plane.Top(row + 1), plane.Top(row + 2))};
    }
    return 5 * std::max(std::abs(near[0] - near[2]), std::abs(near[1] - near[3])) <= 2 * size;
  }

  // Returns whether no other border of rows nearby has such a step, left or right of the damage.
  [[nodiscard]] bool CalmAround(std::size_t part, const Candidate& at, int size) const {
    constexpr std::size_t kAround = 3;
    const DcPlane& plane = planes_[part];
    const auto h = static_cast<std::size_t>(plane.h());
    const int most = 2 * size / 5;
    DcRow row;
    for (std::size_t i = at.row > kAround ? at.row - kAround : 1;
         i < std::min(plane.rows(), at.row + 2 + kAround); ++i) {
      if (i == at.row || i == at.row + 1 || !plane.HasExpectation(i)) continue;
      plane.Residual(i, i < at.row, habits_[part].quarters, row);
      const DcValues left = DcValues(row).first(at.column * h);
      const DcValues right = DcValues(row).subspan((at.column + 1) * h);
      if (std::max(std::abs(Median(left)), std::abs(Median(right))) > most) return false;
    }
    return true;
  }

  // Returns whether the picture continues behind the seam, off by one constant on several levels.
  // On one level two flat areas may meet.
  static bool Continues(const DcPlane& plane, const Candidate& at, const Parts& parts, int jump) {
    struct Block {
      int level;  // the mean of both sides, without the jump
      int off;    // their difference, without the jump
    };
    std::vector<Block> blocks;
    std::vector<int> sizes;
    const auto add = [&](std::size_t row, DcValues residuals, std::size_t begin) {
      const std::int16_t* const above = plane.Bottom(row - 1);
      for (std::size_t i = 0; i < residuals.size(); ++i) {
        const int off = residuals[i] - jump;
        blocks.push_back({above[begin + i] + off / 2, off});
        sizes.push_back(std::abs(off));
      }
    };
    add(at.row, parts.right, plane.width() - parts.right.size());
    add(at.row + 1, parts.left, 0);
    std::sort(blocks.begin(), blocks.end(),
              [](const Block& one, const Block& other) { return one.level < other.level; });
    const int noise = MedianOf(sizes);
    // If the sides have nothing to do with each other, the mean varies less than the difference.
    const int usual = blocks[blocks.size() / 2].level;
    sizes.clear();
    for (const Block& block : blocks) sizes.push_back(std::abs(block.level - usual));
    if (4 * MedianOf(sizes) < 5 * noise) return false;
    const int size = std::abs(jump);
    const int apart = std::max({3 * plane.step(), 2 * noise, size / 4});
    const int most = std::max(plane.step(), size / 3);
    const std::size_t fewest = std::max<std::size_t>(3, blocks.size() / 50);
    int good = 0;
    std::size_t bad = 0;  // blocks of levels that do not continue
    std::vector<int> off;
    for (std::size_t i = 0; i < blocks.size();) {
      off.clear();
      const int until = blocks[i].level + apart;
      for (; i < blocks.size() && blocks[i].level < until; ++i) off.push_back(blocks[i].off);
      if (off.size() < fewest) continue;
      if (std::abs(MedianOf(off)) <= most) {
        ++good;
      } else {
        bad += off.size();
      }
    }
    if (good < kMinLevels || 5 * bad > blocks.size()) return false;
    // A half-transparent layer brings bright and dark levels closer to each other.
    for (const int sign : {-1, 1}) {
      off.clear();
      std::vector<int> levels;
      for (const Block& block : blocks) {
        if (sign * (block.level - usual) < apart) continue;
        off.push_back(block.off);
        levels.push_back(block.level);
      }
      if (off.size() < fewest) continue;
      const auto chance = static_cast<int>(6 * noise / std::sqrt(static_cast<double>(off.size())));
      const int allowed = std::abs(MedianOf(levels) - usual) / 6;
      if (std::abs(MedianOf(off)) > std::max({plane.step(), allowed, chance})) return false;
    }
    return true;
  }

  std::size_t columns_;
  std::int64_t restart_interval_;
  std::vector<DcPlane> planes_;
  std::vector<Habits> habits_;
  std::vector<float> inverse_;         // of numbers of MCUs
  std::vector<float> inverse_behind_;  // of how many are behind each column
  DcRow row_;
};

}  // namespace

std::optional<DcSeam> FindDcSeam(const DcCoefficients& dcs, const JpegScan& scan,
                                 std::int64_t restart_interval) {
  if (scan.mcus_wide < kMinColumns || scan.mcus_high < kMinRows) return {};
  if (restart_interval > 0 && restart_interval < 2 * scan.mcus_wide) return {};
  return SeamFinder(dcs, scan, restart_interval).Find();
}

}  // namespace millrace
