// Loads two plugins, and unloads and reloads one while using the other.
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

void call_plugin(void* plugin) {
    const auto function = reinterpret_cast<int (*)()>(::dlsym(plugin, "ask"));
    if (function == nullptr || function() != 0) {
        std::fprintf(stderr, "a plugin's call had an unexpected result\n");
        std::exit(1);
    }
}

}  // namespace

int main() {
    void* two = load(PLUGIN_TWO);
    for (int i = 0; i < 3; ++i) {
        void* one = load(PLUGIN_ONE);
        call_plugin(one);
        call_plugin(two);
        ::dlclose(one);
        call_plugin(two);
    }
    ::dlclose(two);
}
