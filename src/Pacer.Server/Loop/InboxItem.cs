using Pacer.Core.Cluster;

namespace Pacer.Server.Loop;

/// <summary>One input on its way to the loop, with those who want to hear of it.</summary>
/// <param name="Caller">Waits for the answer; null for facts.</param>
/// <param name="Committed">Runs on the loop's thread when the input is durable, before any effect of its step is carried out. Must not block.</param>
/// <param name="Dropped">Runs on the loop's thread when the input could not be handled because of a bug. Must not block.</param>
internal sealed record InboxItem(Input Input, TaskCompletionSource<CommandResult>? Caller, Action? Committed, Action? Dropped);
