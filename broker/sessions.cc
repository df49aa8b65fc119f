#include "broker/sessions.h"

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

const Session* Sessions::FindIncarnation(IncarnationId incarnation) const {
  const auto found = boots_.find(incarnation);
  if (found == boots_.end()) return nullptr;
  const auto session = by_boot_.find(found->second);
  return session == by_boot_.end() ? nullptr : &session->second;
}

void Sessions::Ended(IncarnationId incarnation, Instant now) {
  if (Session* session = FindIncarnation(incarnation);
      session != nullptr && session->incarnation == incarnation && session->joined) {
    session->joined = false;
    session->heard = now;
    gone_.emplace_back(session->hello.boot, incarnation);
  }
  boots_.erase(incarnation);
  if (gone_.size() <= kMaxGone) return;
  const auto oldest = by_boot_.find(gone_.front().first);
  if (oldest != by_boot_.end() && oldest->second.incarnation == gone_.front().second) {
    by_boot_.erase(oldest);
  }
  gone_.pop_front();
}

void Sessions::Remove(const std::string& boot) {
  const auto found = by_boot_.find(boot);
  if (found == by_boot_.end()) return;
  Ended(found->second.incarnation, found->second.heard);
  by_boot_.erase(found);
}

std::vector<const Session*> Sessions::Lost(const std::string& host, Instant now) const {
  std::vector<const Session*> lost;
  for (const auto& [boot, session] : by_boot_) {
    if (!session.joined && session.hello.host == host && now - session.heard >= kLost) {
      lost.push_back(&session);
    }
  }
  return lost;
}

void Sessions::SeenOn(int fd, IncarnationId incarnation) {
  if (fd < 0 || !seen_.insert(incarnation).second) return;
  by_fd_[fd].push_back(incarnation);
}

std::optional<IncarnationId> Sessions::Disconnected(int fd) {
  const auto found = by_fd_.find(fd);
  if (found == by_fd_.end()) return std::nullopt;
  const IncarnationId first = found->second.front();
  found->second.pop_front();
  if (found->second.empty()) by_fd_.erase(found);
  seen_.erase(first);
  return first;
}

}  // namespace millrace
