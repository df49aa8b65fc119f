#include "stages/scanner/checksum.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "common/os/unique_fd.h"

namespace millrace {

tl::expected<Checksum, int> ChecksumOfFile(const std::string& path,
                                           const std::function<bool()>& go_on) {
  constexpr std::size_t kBlockBytes = 1 << 18;
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat status {};
  if (!file.valid() || fstat(file.get(), &status) != 0) return tl::unexpected(errno);
  if (!S_ISREG(status.st_mode)) return tl::unexpected(EINVAL);
  posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              &XXH3_freeState);
  if (state == nullptr) return tl::unexpected(ENOMEM);
  XXH3_128bits_reset(state.get());
  Checksum checksum;
  std::vector<std::byte> block(kBlockBytes);
  for (;;) {
    const ssize_t count = read(file.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return tl::unexpected(errno);
    if (count == 0) break;
    XXH3_128bits_update(state.get(), block.data(), static_cast<std::size_t>(count));
    checksum.bytes += count;
    if (!go_on()) return tl::unexpected(ECANCELED);
  }
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state.get()));
  checksum.digest.assign(reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest);
  return checksum;
}

}  // namespace millrace
