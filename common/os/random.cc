#include "common/os/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

namespace millrace {

Result<std::string> RandomBytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t size = getrandom(bytes.data() + filled, count - filled, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      return Fail(ErrorCode::kInternal, "cannot get random bytes: " + ErrnoText(errno));
    }
    filled += static_cast<std::size_t>(size);
  }
  return bytes;
}

Result<std::uint64_t> RandomId() {
  std::uint64_t id = 0;
  while (id == 0) {
    ASSIGN_OR_RETURN(const std::string bytes, RandomBytes(sizeof id));
    std::memcpy(&id, bytes.data(), sizeof id);
  }
  return id;
}

}  // namespace millrace
