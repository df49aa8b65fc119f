// What a file is that is named like a picture and is none, in plain words: for a verdict's detail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct magic_set;

namespace millrace {

class ContentNames {
 public:
  // As many first bytes of a file as Describe can make use of.
  static constexpr std::size_t kHeadBytes = std::size_t{64} << 10;

  // Loads libmagic's database, so that none is opened later, in a sandbox. Without one, Describe
  // knows what it finds itself.
  ContentNames();

  // "a web page", "an MP4 video", "a Git LFS pointer: `git lfs pull` fetches the picture"; "" for
  // what is not known. `head`: the first kHeadBytes of the file, or all of it; `bytes`: its size.
  // For one thread at a time.
  [[nodiscard]] std::string Describe(std::span<const std::byte> head, std::int64_t bytes) const;

 private:
  struct Close {
    void operator()(magic_set* magic) const;
  };
  std::unique_ptr<magic_set, Close> magic_;  // null: there is no database
};

}  // namespace millrace
