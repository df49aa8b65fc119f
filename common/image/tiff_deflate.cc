#include "common/image/tiff_deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

namespace millrace {

std::optional<DeflateDamage> CheckDeflated(FileBytes block, std::size_t bytes, std::size_t most) {
  z_stream stream = {};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  const auto* begin = reinterpret_cast<const Bytef*>(block.data());
  stream.next_in = const_cast<Bytef*>(begin);  // zlib does not write to it, whatever its type
  std::size_t left = block.size();
  std::size_t have = 0;
  std::array<Bytef, 32768> some;
  int state = Z_OK;
  // Room for what is wanted and not more: zlib goes on to the checksum where the data ends there,
  // and leaves alone what is behind it where it does not.
  while (state == Z_OK && have < bytes) {
    if (stream.avail_in == 0) {
      stream.avail_in = static_cast<uInt>(std::min<std::size_t>(left, 1 << 30));
      left -= stream.avail_in;
    }
    stream.next_out = some.data();
    const auto room = static_cast<uInt>(std::min(some.size(), bytes - have));
    stream.avail_out = room;
    state = inflate(&stream, Z_NO_FLUSH);
    have += room - stream.avail_out;
  }
  const auto fail = [&](bool ended, bool proven, const char* what) {
    return DeflateDamage{.ended = ended,
                         .proven = proven,
                         .what = stream.msg != nullptr ? stream.msg : what,
                         .offset = static_cast<std::size_t>(stream.next_in - begin)};
  };
  std::optional<DeflateDamage> damage;
  if (have < bytes || (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)) {
    damage = fail(state == Z_BUF_ERROR, true, "it gives too few bytes");
  } else if (state == Z_OK || state == Z_BUF_ERROR) {
    // The rest, up to its checksum.
    std::size_t surplus = 0;
    do {
      if (stream.avail_in == 0) {
        stream.avail_in = static_cast<uInt>(std::min<std::size_t>(left, 1 << 30));
        left -= stream.avail_in;
      }
      stream.next_out = some.data();
      stream.avail_out = static_cast<uInt>(some.size());
      state = inflate(&stream, Z_NO_FLUSH);
      surplus += some.size() - stream.avail_out;
    } while (state == Z_OK && bytes + surplus <= most);
    const bool wrong_checksum =
        stream.msg != nullptr && std::string_view(stream.msg) == "incorrect data check";
    if (state != Z_STREAM_END && (surplus > 0 || wrong_checksum)) {
      damage = fail(false, state == Z_DATA_ERROR, "it goes on behind its rows and does not end");
    }
  }
  inflateEnd(&stream);
  return damage;
}

}  // namespace millrace
