// Keeps a fault inside its panel.
import { Component, type ReactNode } from "react";
import { PanelProblem } from "./problem";

interface Props {
  title: string;
  children: ReactNode;
}

export class Boundary extends Component<Props, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <PanelProblem
        title={this.props.title}
        error={this.state.error}
        again={() => this.setState({ error: null })}
      />
    );
  }
}
