// Each test has the machine to itself: they count its processes and load it on purpose.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
