// Creates network namespaces and TUN devices, and runs the thread that forwards packets between them.
// NetworkSimulator → [namespaces, forwarding thread] → kernel
#include <holysheep/testing/network_simulator.hpp>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <random>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "testing/packet_path.hpp"

namespace holysheep {
inline namespace v0 {
namespace testing {

namespace {

using std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error("network simulator: " + what + ": " + std::generic_category().message(errno));
}

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    int get() const { return fd_; }

  private:
    int fd_ = -1;
};

/// The namespace of the calling thread.
Descriptor current_namespace() {
    Descriptor current(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (current.get() < 0) fail("cannot open this thread's network namespace");
    return current;
}

void enter(const Descriptor& network_namespace) {
    if (::setns(network_namespace.get(), CLONE_NEWNET) != 0) fail("cannot enter a network namespace");
}

/// Enters a namespace, and returns to the previous one at the end of the scope.
class ScopedNamespace {
  public:
    explicit ScopedNamespace(const Descriptor& network_namespace) : original_(current_namespace()) {
        enter(network_namespace);
    }
    ~ScopedNamespace() { ::setns(original_.get(), CLONE_NEWNET); }
    ScopedNamespace(const ScopedNamespace&) = delete;
    ScopedNamespace& operator=(const ScopedNamespace&) = delete;

  private:
    Descriptor original_;
};

ifreq request_for(const std::string& device) {
    ifreq request{};
    std::snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device.c_str());
    return request;
}

void bring_up(const Descriptor& socket, const std::string& device) {
    auto request = request_for(device);
    if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) fail("no device " + device);
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) fail(device + " cannot be brought up");
}

/// Creates an empty namespace with its loopback device up; the calling thread is in it afterwards.
Descriptor new_namespace() {
    if (::unshare(CLONE_NEWNET) != 0) fail("cannot create a network namespace");
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    bring_up(socket, "lo");
    return current_namespace();
}

ifreq request_for(const std::string& device, std::uint32_t address) {
    auto request = request_for(device);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(address);
    std::memcpy(&request.ifr_addr, &name, sizeof name);
    return request;
}

/// Opens a TUN device in the calling thread's namespace: packets that the kernel sends there are read from the
/// descriptor.
Descriptor open_tun(const std::string& device, std::uint32_t own, std::uint32_t peer) {
    Descriptor tun(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (tun.get() < 0) fail("cannot open /dev/net/tun");
    auto request = request_for(device);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (::ioctl(tun.get(), TUNSETIFF, &request) != 0) fail("cannot create a TUN device");
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    auto own_request = request_for(device, own), peer_request = request_for(device, peer);
    if (::ioctl(socket.get(), SIOCSIFADDR, &own_request) != 0 ||
        ::ioctl(socket.get(), SIOCSIFDSTADDR, &peer_request) != 0)
        fail("cannot set the address of " + device);
    bring_up(socket, device);
    return tun;
}

/// Makes a device name, which may have at most 15 characters.
std::string device_name(std::size_t number) {
    std::array<char, IFNAMSIZ> name{};
    std::snprintf(name.data(), name.size(), "hs%zu-%04x", number, std::random_device{}() & 0xFFFFU);
    return name.data();
}

// 10.77.n.1 is the client, 10.77.n.2 the region.
std::uint32_t client_address(std::size_t number) { return 0x0A4D'0001U + (static_cast<std::uint32_t>(number) << 8U); }
std::uint32_t region_address(std::size_t number) { return client_address(number) + 1; }

struct Region {
    std::string id;
    std::size_t number = 0;
    Descriptor network_namespace{}, client_tun{}, region_tun{};
    PacketPath to_region, to_client;
};

}  // namespace

class NetworkSimulator::Impl {
  public:
    Impl(const std::vector<std::string>& ids, std::uint64_t seed) : original_(current_namespace()) {
        if (ids.empty() || ids.size() > 250) throw std::runtime_error("network simulator: between 1 and 250 regions");
        const auto client = new_namespace();
        try {
            for (const auto& id : ids) add_region(id, client, seed++);
        } catch (...) {
            ::setns(original_.get(), CLONE_NEWNET);
            throw;
        }
        wake_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        forwarder_ = std::jthread([this](const std::stop_token& stop) { forward(stop); });
    }
    ~Impl() {
        forwarder_.request_stop();
        wake();
        forwarder_.join();
        ::setns(original_.get(), CLONE_NEWNET);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    const Region& region(std::string_view id) const {
        const auto found = std::ranges::find(regions_, id, &Region::id);
        if (found == regions_.end()) throw std::out_of_range("network simulator: no region '" + std::string(id) + "'");
        return *found;
    }

    void set_path(std::string_view id, const PathConditions& conditions, PathDirection direction) {
        const auto number = region(id).number;
        const std::lock_guard lock(mutex_);
        auto& changed = regions_[number];
        if (direction != PathDirection::to_client) changed.to_region.set(conditions);
        if (direction != PathDirection::to_region) changed.to_client.set(conditions);
    }

    std::uint64_t count(std::string_view id, std::uint64_t (PacketPath::*what)() const) const {
        const auto& counted = region(id);
        const std::lock_guard lock(mutex_);
        return (counted.to_region.*what)() + (counted.to_client.*what)();
    }

  private:
    void add_region(const std::string& id, const Descriptor& client, std::uint64_t seed) {
        const auto number = regions_.size();
        Region added{
            .id = id, .number = number, .to_region = PacketPath(2 * seed), .to_client = PacketPath(2 * seed + 1)};
        added.client_tun = open_tun(device_name(number), client_address(number), region_address(number));
        {
            const ScopedNamespace scope(client);
            added.network_namespace = new_namespace();
            added.region_tun = open_tun(device_name(number), region_address(number), client_address(number));
        }
        regions_.push_back(std::move(added));
    }

    void wake() const {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
    }

    /// Reads the packets that the kernel sends.
    static void read_packets(const Descriptor& tun, PacketPath& path, steady_clock::time_point now) {
        std::array<std::uint8_t, 65'536> packet{};
        for (;;) {
            const auto size = ::read(tun.get(), packet.data(), packet.size());
            if (size <= 0) return;
            path.send({packet.data(), static_cast<std::size_t>(size)}, now);
        }
    }
    static void write_packets(const Descriptor& tun, PacketPath& path, steady_clock::time_point now) {
        // If a device is full or closed, packets are lost, as in a network.
        while (const auto packet = path.receive(now)) {
            [[maybe_unused]] const auto written = ::write(tun.get(), packet->data(), packet->size());
        }
    }

    void forward(const std::stop_token& stop) {
        std::vector<pollfd> polled;
        for (const auto& region : regions_) {
            polled.push_back({region.client_tun.get(), POLLIN, 0});
            polled.push_back({region.region_tun.get(), POLLIN, 0});
        }
        polled.push_back({wake_.get(), POLLIN, 0});
        while (!stop.stop_requested()) {
            std::optional<steady_clock::time_point> next;
            {
                const std::lock_guard lock(mutex_);
                const auto now = steady_clock::now();
                for (auto& region : regions_) {
                    read_packets(region.client_tun, region.to_region, now);
                    read_packets(region.region_tun, region.to_client, now);
                    write_packets(region.region_tun, region.to_region, now);
                    write_packets(region.client_tun, region.to_client, now);
                    for (const auto* path : {&region.to_region, &region.to_client}) {
                        const auto due = path->next_arrival();
                        if (due && (!next || *due < *next)) next = due;
                    }
                }
            }
            timespec left{};
            if (next) {
                const auto span = std::max(*next - steady_clock::now(), steady_clock::duration::zero());
                const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(span).count();
                left = {static_cast<time_t>(nanoseconds / 1'000'000'000),
                        static_cast<long>(nanoseconds % 1'000'000'000)};
            }
            ::ppoll(polled.data(), polled.size(), next ? &left : nullptr, nullptr);
        }
    }

    Descriptor original_, wake_;
    mutable std::mutex mutex_;  // guards the paths of regions_
    std::vector<Region> regions_;
    std::jthread forwarder_;
};

std::optional<std::string> NetworkSimulator::unavailable() {
    std::optional<std::string> why;
    // Runs on a separate thread, which ends together with its namespace.
    std::thread([&why] {
        try {
            new_namespace();
            open_tun(device_name(0), client_address(0), region_address(0));
        } catch (const std::exception& problem) {
            why = problem.what();
        }
    }).join();
    return why;
}

NetworkSimulator::NetworkSimulator(const std::vector<std::string>& regions, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(regions, seed)) {}
NetworkSimulator::~NetworkSimulator() = default;

std::string NetworkSimulator::address(std::string_view region) const {
    return "10.77." + std::to_string(impl_->region(region).number) + ".2";
}

void NetworkSimulator::inside(std::string_view region, const std::function<void()>& work) const {
    const ScopedNamespace scope(impl_->region(region).network_namespace);
    work();
}

std::string NetworkSimulator::namespace_file(std::string_view region) const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" +
           std::to_string(impl_->region(region).network_namespace.get());
}

void NetworkSimulator::set_path(std::string_view region, PathConditions conditions, PathDirection direction) {
    impl_->set_path(region, conditions, direction);
}

std::uint64_t NetworkSimulator::passed(std::string_view region) const {
    return impl_->count(region, &PacketPath::passed);
}
std::uint64_t NetworkSimulator::vanished(std::string_view region) const {
    return impl_->count(region, &PacketPath::dropped);
}

}  // namespace testing
}  // namespace v0
}  // namespace holysheep
