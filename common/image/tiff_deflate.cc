#include "common/image/tiff_deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

namespace millrace {

std::optional<DeflateDamage> CheckDeflated(FileBytes block, std::size_t bytes) {
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
  std::optional<DeflateDamage> damage;
  if (have < bytes || (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)) {
    damage = DeflateDamage{.ended = state == Z_BUF_ERROR,
                           .what = stream.msg != nullptr ? stream.msg : "it gives too few bytes",
                           .offset = static_cast<std::size_t>(stream.next_in - begin)};
  }
  inflateEnd(&stream);
  return damage;
}

}  // namespace millrace
