namespace Pacer.Server.Storage;

/// <summary>What a stored row holds. The numbers are part of the store's format; rows are loaded in their order.</summary>
internal enum EntryKind
{
    RootVersion = 1,
    RunSpec = 2,
    Version = 3,
    Agent = 4,
    Instance = 5,
    Deployment = 6,
    LaunchDelay = 7,
    TaskFailure = 8,
    Group = 9,
    RootChange = 10,
    Secret = 11,
}
