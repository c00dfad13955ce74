// Puts the process at its limit of open files and sockets.
#pragma once

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace holysheep::loopback {

/// While it exists, no descriptor can be opened; open ones stay open.
class NoMoreDescriptors {
  public:
    NoMoreDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        int highest = 0;
        auto* const folder = ::opendir("/proc/self/fd");
        while (const auto* entry = ::readdir(folder)) highest = std::max(highest, std::atoi(entry->d_name));
        ::closedir(folder);
        // Fill the gaps below the highest descriptor: the limit applies to numbers, not to the count of open files.
        auto tight = before_;
        tight.rlim_cur = static_cast<rlim_t>(highest) + 1;
        ::setrlimit(RLIMIT_NOFILE, &tight);
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) fillers_.push_back(fd);
    }
    ~NoMoreDescriptors() {
        for (const int fd : fillers_) ::close(fd);
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }
    NoMoreDescriptors(const NoMoreDescriptors&) = delete;
    NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

  private:
    rlimit before_{};
    std::vector<int> fillers_;
};

}  // namespace holysheep::loopback
