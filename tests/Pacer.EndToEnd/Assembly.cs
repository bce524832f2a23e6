using Xunit.Sdk;
using Xunit.v3;

// Each test has the machine to itself: they count its processes and load it on purpose.
[assembly: Parallelization(Mode = ParallelMode.None)]
