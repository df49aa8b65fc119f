#include "broker/sessions.h"

#include <algorithm>
#include <utility>

namespace millrace {

Session& Sessions::Add(Session session) {
  const std::string boot = session.hello.boot;
  boots_[session.incarnation] = boot;
  return by_boot_.insert_or_assign(boot, std::move(session)).first->second;
}

Session* Sessions::FindBoot(const std::string& boot) {
  const auto found = by_boot_.find(boot);
  return found == by_boot_.end() ? nullptr : &found->second;
}

Session* Sessions::FindProcess(const std::string& host, std::int64_t pid) {
  Session* latest = nullptr;
  for (auto& [boot, session] : by_boot_) {
    if (session.hello.pid != pid || session.hello.host != host) continue;
    if (latest == nullptr || latest->incarnation < session.incarnation) latest = &session;
  }
  return latest;
}

Session* Sessions::FindIncarnation(IncarnationId incarnation) {
  const auto found = boots_.find(incarnation);
  return found == boots_.end() ? nullptr : FindBoot(found->second);
}

void Sessions::Ended(IncarnationId incarnation) {
  if (Session* session = FindIncarnation(incarnation);
      session != nullptr && session->incarnation == incarnation) {
    session->joined = false;
  }
  boots_.erase(incarnation);
  const auto seen = fds_.find(incarnation);
  if (seen == fds_.end()) return;
  std::erase(by_fd_[seen->second], incarnation);
  fds_.erase(seen);
}

void Sessions::Remove(const std::string& boot) {
  const auto found = by_boot_.find(boot);
  if (found == by_boot_.end()) return;
  Ended(found->second.incarnation);
  by_boot_.erase(found);
}

void Sessions::SeenOn(int fd, IncarnationId incarnation) {
  if (fd < 0 || !fds_.try_emplace(incarnation, fd).second) return;
  by_fd_[fd].push_back(incarnation);
}

std::optional<IncarnationId> Sessions::Disconnected(int fd) {
  const auto found = by_fd_.find(fd);
  if (found == by_fd_.end() || found->second.empty()) return std::nullopt;
  return found->second.front();
}

}  // namespace millrace
