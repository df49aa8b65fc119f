#include "common/image/heif_primary.h"

#include "common/image/heif_items.h"
#include "common/image/transpose.h"

namespace millrace {
namespace {

void Apply(const HeifBox& property, HeifPrimary& primary) {
  HeifNumbers numbers(property.body);
  if (property.type == "ispe") {
    numbers.Next(4);  // version and flags
    primary.width = static_cast<std::int64_t>(numbers.Next(4));
    primary.height = static_cast<std::int64_t>(numbers.Next(4));
  } else if (property.type == "irot") {
    const int turn = HeifTurn(static_cast<int>(numbers.Next(1)));
    primary.orientation = Composed(primary.orientation, turn);
  } else if (property.type == "imir") {
    const int mirror = HeifMirror(static_cast<int>(numbers.Next(1)));
    primary.orientation = Composed(primary.orientation, mirror);
  } else if (property.type == "clap") {
    primary.cropped = true;
  }
}

}  // namespace

int HeifTurn(int quarters) {
  constexpr int kTurns[4] = {1, 8, 3, 6};
  return kTurns[quarters & 3];
}

int HeifMirror(int axis) { return (axis & 1) == 0 ? 4 : 2; }

HeifPrimary ReadHeifPrimary(FileBytes file) {
  HeifPrimary primary;
  const HeifItems items = ReadHeifItems(file);
  const HeifItem* item = items.Find(items.primary);
  if (item == nullptr) return primary;
  for (const HeifBox& property : item->properties) Apply(property, primary);
  return primary;
}

}  // namespace millrace
