/* Control groups as the managers of containers and services name them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/model/proc_cgroup.h"

#define ID   "3f1b0c9d8e7f3f1b0c9d8e7f3f1b0c9d8e7f3f1b0c9d8e7f3f1b0c9d8e7f3f1b"
#define ID_2 "aaaa0c9d8e7f3f1b0c9d8e7f3f1b0c9d8e7f3f1b0c9d8e7f3f1b0c9d8e7faaaa"

static const struct {
	const char *text;
	const char *container; /* NULL: none */
} CGROUPS[] = {
        {"0::/system.slice/docker-" ID ".scope\n", ID},
        {"12:pids:/docker/" ID "\n0::/system.slice/containerd.service\n", ID},
        {"0::/../../docker/" ID "\n", ID},
        {"0::/docker/" ID "/docker/" ID_2 "\n", ID_2},
        {"0::/docker/" ID "/init.scope\n", ID},
        {"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a2b_3c.slice/"
         "cri-containerd-" ID ".scope\n",
                ID},
        {"0::/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope\n", ID},
        {"0::/kubepods.slice/kubepods-pod1.slice/crio-conmon-" ID ".scope\n", NULL},
        {"4:cpu:/kubepods/besteffort/pod5f0c9d8e-7f3f-4f1b-8c9d-8e7f3f1b0c9d/" ID "\n", ID},
        {"0::/machine.slice/libpod-" ID ".scope/container\n", ID},
        {"0::/machine.slice/libpod-conmon-" ID ".scope\n", NULL},
        {"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID
         ".scope/container (deleted)\n",
                ID},
        {"0::/lxc/web-1/system.slice/nginx.service\n", "web-1"},
        {"0::/lxc.payload.web-1/init.scope\n", "web-1"},
        {"0::/lxc.payload/web-1\n", "web-1"},
        {"0::/lxc.monitor.web-1\n", NULL},
        {"0::/machine.slice/machine-debian\\x2d12.scope\n", "debian\\x2d12"},
        {"0::/machine.slice/systemd-nspawn@deb.service/payload\n", "deb"},
        {"0::/machine.slice\n", NULL},
        {"0::/docker/3f1b0c9d8e7f\n", "3f1b0c9d8e7f"},
        {"0::/docker/3f1b0c9d8e7\n", NULL},  /* too short */
        {"0::/docker/" ID "0\n", NULL},      /* too long */
        {"0::/docker/3f1b0c9d8e7g\n", NULL}, /* not hex */
        {"0::/system.slice/" ID "\n", NULL}, /* nobody says that it is one */
        {"0::/system.slice/docker.service\n", NULL},
        {"0::/system.slice/docker-" ID ".service\n", NULL},
        {"0::/user.slice/user-1000.slice/session-3.scope\n", NULL},
        {"0::/\n", NULL},
        {"", NULL},
        {"nonsense", NULL},
        {"1:2", NULL},
        {"::", NULL},
};

static void test_containers_are_known_by_their_cgroup(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CGROUPS) / sizeof(CGROUPS[0]); i++) {
		struct slice found = proc_cgroup_container(slice_text(CGROUPS[i].text));
		struct slice wanted = slice_text(CGROUPS[i].container);
		if (!slice_equal(found, wanted))
			fail_msg("'%s': '%.*s', not '%.*s'", CGROUPS[i].text, SLICE_ARG(found),
			        SLICE_ARG(wanted));
	}
}

static const struct {
	const char *text;
	const char *unit; /* NULL: none */
} UNITS[] = {
        {"0::/system.slice/nginx.service\n", "nginx.service"},
        {"0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service"},
        {"0::/system.slice/foo.service/payload\n", "foo.service"},
        {"0::/system.slice/foo.service/run-1.scope\n", "foo.service"},
        {"0::/system.slice/foo.service (deleted)\n", "foo.service"},
        {"0::/init.scope\n", "init.scope"},
        {"0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"},
        {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/gpg.service\n",
                "user@1000.service"},
        {"0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", "user@1000.service"},
        {"12:pids:/system.slice/a.service\n1:name=systemd:/system.slice/b.service\n0::/\n",
                "b.service"},
        {"1:name=systemd:/\n0::/system.slice/c.service\n", "c.service"},
        {"0::/system.slice/docker-" ID ".scope\n", NULL},
        {"0::/system.slice/docker-" ID ".scope/system.slice/nginx.service\n", "nginx.service"},
        {"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope\n", NULL},
        {"0::/machine.slice/systemd-nspawn@deb.service/payload\n", NULL},
        {"0::/machine.slice/systemd-nspawn@deb.service/payload/system.slice/a.service\n",
                "a.service"},
        {"0::/lxc/web-1/system.slice/nginx.service\n", "nginx.service"},
        {"9:name=other:/x.service\n", NULL},
        {"0::/system.slice\n", NULL},
        {"0::/\n", NULL},
        {"", NULL},
        {"::", NULL},
};

static void test_units_are_known_by_their_cgroup(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		struct slice found = proc_cgroup_unit(slice_text(UNITS[i].text));
		struct slice wanted = slice_text(UNITS[i].unit);
		if (!slice_equal(found, wanted))
			fail_msg("'%s': '%.*s', not '%.*s'", UNITS[i].text, SLICE_ARG(found),
			        SLICE_ARG(wanted));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_containers_are_known_by_their_cgroup),
	        cmocka_unit_test(test_units_are_known_by_their_cgroup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
