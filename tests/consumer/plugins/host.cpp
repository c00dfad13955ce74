// Loads two copies, unloads one while the other is used, loads it again.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

namespace {

void* load(const char* file) {
    void* plugin = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) {
        std::fprintf(stderr, "%s\n", ::dlerror());
        std::exit(2);
    }
    return plugin;
}

void ask(void* plugin) {
    const auto function = reinterpret_cast<int (*)()>(::dlsym(plugin, "ask"));
    if (function == nullptr || function() != 0) {
        std::fprintf(stderr, "a plugin's call did not end as it should\n");
        std::exit(1);
    }
}

}  // namespace

int main() {
    void* two = load(PLUGIN_TWO);
    for (int i = 0; i < 3; ++i) {
        void* one = load(PLUGIN_ONE);
        ask(one);
        ask(two);
        ::dlclose(one);
        ask(two);
    }
    ::dlclose(two);
}
